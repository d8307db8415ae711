"""The short table: one line per setting, with what most readers want to know."""

from __future__ import annotations

from pathlib import Path

from comparison import Measure, Variant, by_setting, compared
from experiment import Experiment
from experiments import BASELINES
from table import difference_text, study_results, with_range
from wording import short_setting_text

_STUDY, _OURS, _DECONV, _FITTED = 'upsampling', 'gdn-x20', 'deconv-x1', 'gdn-fit_kernels'


def summary(folder: Path, is_short: bool = False) -> str:
    """Bilinear, learned deconvolution and GDN in every setting that has been measured with GDN.

    Args:
        folder: Folder of the results.
        is_short: Whether to leave out all settings but the usual ones.

    Returns:
        A Markdown table.
    """
    lines = ['| data and network | bilinear | learned deconvolution | GDN | GDN - bilinear | within 4 px of borders | '
             '`fit_kernels.py` - bilinear | seeds |', '|---' * 8 + '|']
    for results in by_setting(study_results(folder, _STUDY)).values():
        variants = {one.experiment.variant: one for one in compared(results, BASELINES[_STUDY])}
        if _OURS in variants and (not is_short or _is_usual(variants[_OURS].experiment)):
            lines.append(_line(variants))
    return '\n'.join(lines)


def _is_usual(run: Experiment) -> bool:
    return (run.network, run.trunk, run.optimizer, run.iterations) == ('mobilenetv2', 'most', 'sgd', 300)


def _line(variants: dict[str, Variant]) -> str:
    ours, whole = variants[_OURS], Measure()
    values = [with_range(variants[name].values(whole), '.2f') if name in variants else ''
              for name in ('bilinear', _DECONV, _OURS)]
    fitted = difference_text(variants[_FITTED], whole) if _FITTED in variants else ''
    cells = [short_setting_text(ours.experiment), *values, difference_text(ours, whole),
             difference_text(ours, Measure('4px')), fitted, str(len(ours.runs))]
    return f'| {" | ".join(cells)} |'
