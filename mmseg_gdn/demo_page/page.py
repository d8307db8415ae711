"""The page: where things are, and what happens when something is dropped or moved."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from mmseg_gdn.utils import InputError, require_extra

from .answers import NO_TABLE, answer_photograph, answer_settings, message
from .models import NamedModel
from .segmentation import Segmentation

# No font that a browser would have to fetch.
THEME = gr.themes.Base(
    primary_hue='blue', neutral_hue='slate', font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace']
)
WORDS = {'upload_text.drop_file': 'Drop a photograph here', 'upload_text.click_to_upload': 'click to choose one'}
STYLE = Path(__file__).with_name('page.css')
_ABOUT_CRF = 'Moves borders to those of the photograph, which takes seconds.'
_STRENGTH = 55
_FORGET_AFTER = 3600  # seconds
_RECOLOURING: dict[str, Any] = dict(show_progress='hidden', api_visibility='private')
# One at a time, so that two visitors do not make each other wait twice as long, nor need twice the memory.
_COMPUTING: dict[str, Any] = dict(
    show_progress='minimal', api_visibility='private', concurrency_limit=1, concurrency_id='model'
)


def build_page(models: Sequence[NamedModel], longest_side: int, note: str = '') -> gr.Blocks:
    """Build the page.

    Args:
        models: One model, or two to be shown side by side.
        longest_side: What width and height of a photograph are reduced to at most, in pixels.
        note: What visitors should know about the models, in a sentence.

    Returns:
        The page, which :func:`serve` makes available.
    """
    names = [model.name for model in models]
    left, right = names if len(names) == 2 else ('photograph', *names)
    without_crf = _why_there_is_no_crf()
    with gr.Blocks(
        title='mmseg_gdn', analytics_enabled=False, fill_width=True, delete_cache=(600, _FORGET_AFTER)
    ) as page:
        shown = gr.State(None, time_to_live=_FORGET_AFTER)
        gr.HTML(_introduction(left, right, note), elem_id='title', padding=False)
        with gr.Row():
            with gr.Column(scale=5, min_width=480):
                gr.HTML(_sides(left, right), elem_id='sides', padding=False)
                masks = gr.ImageSlider(
                    elem_id='masks',
                    show_label=False,
                    interactive=False,
                    format='png',
                    buttons=['fullscreen'],
                    max_height=540,
                )
                line = gr.HTML(message('Drop a photograph to begin.'), elem_id='message', padding=False)
            with gr.Column(scale=3, min_width=320):
                file = gr.File(elem_id='photograph', show_label=False, height=130)
                strength = gr.Slider(0, 100, _STRENGTH, step=1, label='Strength of colours (%)', elem_id='strength')
                crf = gr.Checkbox(
                    False,
                    label='Refine by a dense CRF',
                    info=without_crf or _ABOUT_CRF,
                    interactive=not without_crf,
                    elem_id='crf',
                )
                table = gr.HTML(NO_TABLE, elem_id='classes', padding=False)

        def predict(path: str, *settings) -> tuple:
            # Without a file in it, the field takes the next one.
            return None, *answer_photograph(models, path, longest_side, *settings)

        def refine(segmentation: Segmentation | None, *settings) -> tuple:
            return answer_settings(segmentation, *settings)[1:] if segmentation else (gr.skip(),) * 3

        def recolour(segmentation: Segmentation | None, strength: float, with_crf: bool) -> tuple | dict:
            if segmentation is None:
                return gr.skip()
            return segmentation.pictures(strength / 100, with_crf and bool(segmentation.refined))

        file.upload(predict, [file, strength, crf], [file, shown, masks, table, line], **_COMPUTING)
        crf.change(refine, [shown, strength, crf], [masks, table, line], **_COMPUTING)
        strength.change(recolour, [shown, strength, crf], masks, **_RECOLOURING)
    return page


def _introduction(left: str, right: str, note: str) -> str:
    return (
        f'<h1>Side by side: {escape(left)} and {escape(right)}</h1><p>{escape(note)} Photographs stay on the '
        'computer that serves this page, and are deleted when it stops.</p>'
    )


def _sides(left: str, right: str) -> str:
    return f'<div class="sides"><b>&#9664; {escape(left)}</b><b>{escape(right)} &#9654;</b></div>'


def _why_there_is_no_crf() -> str:
    """In a sentence; empty if nothing is in the way."""
    try:
        require_extra('crf')
    except InputError as error:
        return str(error)
    return ''
