"""The short table: one line per setting, with what most readers want to know."""

from __future__ import annotations

from pathlib import Path

from comparison import WELL_POPULATED, Measure, Variant, by_setting, compared
from experiment import Experiment
from table import difference_text, results_of, with_range
from wording import short_setting_text

from mmseg_gdn.utils import InputError

_STUDIES = ('upsampling', 'checkpoints')
_BASELINE, _OURS, _DECONV, _FITTED = 'bilinear', ('gdn-x100', 'gdn-x20'), 'deconv-x1', 'gdn-fit_kernels'
_NOT_RUN = '-'


def summary(folder: Path, is_short: bool = False) -> str:
    """Bilinear, learned deconvolution and GDN in every setting that has been measured with GDN.

    Args:
        folder: Folder of the results.
        is_short: Whether to leave out networks that are cut, and the borders.

    Returns:
        A Markdown table.

    Raises:
        InputError: If nothing can be compared.
    """
    rows = []
    for results in by_setting(results_of(folder, _STUDIES)).values():
        variants = {one.experiment.variant: one for one in compared(results, _BASELINE)}
        ours = next((variants[name] for name in _OURS if name in variants), None)
        if ours is not None and _BASELINE in variants and (not is_short or _is_usual(ours.experiment)):
            rows.append(_cells(variants, ours, is_short))
    if not rows:
        raise InputError(f'{folder} has no setting with both bilinear interpolation and GDN; run more experiments.')
    return '\n'.join([f'| {" | ".join(rows[0])} |', '|---' * len(rows[0]) + '|', *map(_line, rows)])


def _is_usual(run: Experiment) -> bool:
    return run.network == 'mobilenetv2'


def _line(cells: dict[str, str]) -> str:
    return f'| {" | ".join(cells.values())} |'


def _cells(variants: dict[str, Variant], ours: Variant, is_short: bool) -> dict[str, str]:
    """A row by its heading; ``ours`` is the variant whose frequent classes, borders and seeds are told."""
    whole, frequent = Measure(), Measure(classes=WELL_POPULATED[ours.experiment.data])

    def difference(name: str) -> str:
        found = variants.get(name)
        if found is None:
            return _NOT_RUN
        missing = len(ours.runs) - len(found.runs)
        return difference_text(found, whole) + (f' ({len(found.runs)} seeds)' if missing else '')

    borders = {'GDN within 4 px of borders - bilinear': difference_text(ours, Measure('4px'))}
    return {
        'data and network': short_setting_text(ours.experiment),
        'bilinear': with_range(variants[_BASELINE].values(whole), '.2f'),
        'GDN, factor 20 - bilinear': difference('gdn-x20'),
        'GDN, factor 100 - bilinear': difference('gdn-x100'),
        'GDN on frequent classes - bilinear': difference_text(ours, frequent),
        **({} if is_short else borders),
        'learned deconvolution - bilinear': difference(_DECONV),
        '`fit_kernels.py` - bilinear': difference(_FITTED),
        'seeds': str(len(ours.runs)),
    }
