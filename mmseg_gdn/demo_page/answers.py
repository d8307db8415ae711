"""What the page shows after something was dropped or moved; nothing here knows how a page is made."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from PIL import Image

from mmseg_gdn.utils import InputError

from .class_table import class_table
from .models import NamedModel
from .photograph import read_photograph
from .segmentation import Segmentation, segment

NO_TABLE = '<p class="beliefs">Classes, their shares and what the label branch believes will be listed here.</p>'


class Answer(NamedTuple):
    """What is shown.

    Attributes:
        segmentation: The photograph and what the models say, for later answers; ``None`` if there is none.
        pictures: The left and the right picture; ``None`` if there is no photograph.
        table: The classes, as HTML.
        message: What happened, as HTML.
    """

    segmentation: Segmentation | None
    pictures: tuple[Image.Image, Image.Image] | None
    table: str
    message: str


def answer_photograph(
    models: Sequence[NamedModel], path: str, longest_side: int, strength: float, with_crf: bool
) -> Answer:
    """Predict a file.

    Args:
        models: One or two models.
        path: The file.
        longest_side: What width and height are reduced to at most, in pixels.
        strength: How strongly classes are tinted, in percent.
        with_crf: Whether to refine the predictions.

    Returns:
        The predictions; for a file that cannot be predicted the reason, and nothing of the photograph before.
    """
    try:
        segmentation = segment(models, read_photograph(path, longest_side))
    except InputError as error:
        return Answer(None, None, NO_TABLE, message(str(error), 'error'))
    return answer_settings(segmentation, strength, with_crf)


def answer_settings(segmentation: Segmentation, strength: float, with_crf: bool) -> Answer:
    """Show a photograph that has been predicted, with other settings.

    Args:
        segmentation: Photograph and predictions.
        strength: How strongly classes are tinted, in percent.
        with_crf: Whether to refine the predictions.

    Returns:
        The predictions; without the CRF and with the reason if it cannot be run.
    """
    note = None
    if with_crf:
        try:
            segmentation.refine()
        except InputError as error:
            with_crf, note = False, message(f'Shown without the CRF: {error}', 'error')
    return Answer(
        segmentation,
        segmentation.pictures(strength / 100, with_crf),
        class_table(segmentation, with_crf),
        note or message(_summary(segmentation, with_crf)),
    )


def message(text: str, kind: str = 'note') -> str:
    """A line of text as HTML.

    Args:
        text: The text.
        kind: ``'note'`` or ``'error'``.
    """
    return f'<p class="{kind}" role="status">{escape(text)}</p>'


def _summary(segmentation: Segmentation, with_crf: bool) -> str:
    photograph = segmentation.photograph
    size, full_size = ('x'.join(map(str, sides)) for sides in (photograph.size, photograph.full_size))
    reduced = '' if size == full_size else f', reduced from {full_size}'
    crf = f'; CRF in {segmentation.crf_seconds:.1f} s' if with_crf else ''
    return f'{photograph.path.name}, {size} pixels{reduced}: predicted in {segmentation.seconds:.2f} s{crf}.'
