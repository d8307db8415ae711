"""The short table: one line per setting, with what most readers want to know."""

from __future__ import annotations

from pathlib import Path

from comparison import Measure, Variant, by_setting, compared
from experiment import Experiment
from experiments import BASELINES
from table import difference_text, study_results, with_range
from wording import short_setting_text

_STUDY, _OURS, _DECONV, _FITTED = 'upsampling', ('gdn-x100', 'gdn-x20'), 'deconv-x1', 'gdn-fit_kernels'


def summary(folder: Path, is_short: bool = False) -> str:
    """Bilinear, learned deconvolution and GDN in every setting that has been measured with GDN.

    Args:
        folder: Folder of the results.
        is_short: Whether to leave out all settings but the usual ones.

    Returns:
        A Markdown table.
    """
    lines = [
        '| data and network | bilinear | learned deconvolution - bilinear | GDN, factor 20 - bilinear | '
        'GDN, factor 100 - bilinear | the same within 4 px of borders | `fit_kernels.py` - bilinear | seeds |',
        '|---' * 8 + '|',
    ]
    for results in by_setting(study_results(folder, _STUDY)).values():
        variants = {one.experiment.variant: one for one in compared(results, BASELINES[_STUDY])}
        ours = next((variants[name] for name in _OURS if name in variants), None)
        if ours is not None and (not is_short or _is_usual(ours.experiment)):
            lines.append(_line(variants, ours))
    return '\n'.join(lines)


def _is_usual(run: Experiment) -> bool:
    return (run.network, run.trunk, run.iterations) == ('mobilenetv2', 'most', 300)


def _line(variants: dict[str, Variant], ours: Variant) -> str:
    """A row; ``ours`` is the variant whose borders and seeds are told."""
    whole = Measure()
    differences = [
        difference_text(variants[name], whole) if name in variants else '' for name in (_DECONV, *reversed(_OURS))
    ]
    fitted = difference_text(variants[_FITTED], whole) if _FITTED in variants else ''
    cells = [
        short_setting_text(ours.experiment),
        with_range(variants['bilinear'].values(whole), '.2f'),
        *differences,
        difference_text(ours, Measure('4px')),
        fitted,
        str(len(ours.runs)),
    ]
    return f'| {" | ".join(cells)} |'
