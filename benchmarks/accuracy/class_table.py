"""Which classes gain: IoU of each class with bilinear interpolation and with GDN."""

from __future__ import annotations

from pathlib import Path

from comparison import Variant, by_setting, compared
from mmseg.datasets import PascalVOCDataset
from table import results_of
from wording import short_setting_text

from mmseg_gdn.datasets import CamVidDataset
from mmseg_gdn.utils import InputError

_STUDY, _BASELINE, _OURS = 'upsampling', 'bilinear', 'gdn-x100'
_CLASSES = {'camvid': CamVidDataset.METAINFO['classes'], 'voc': PascalVOCDataset.METAINFO['classes']}


def class_table(folder: Path, data: str) -> str:
    """IoU of each class in all settings with factor 100, mean over seeds in percent, before and after the arrow.

    Args:
        folder: Folder of the results.
        data: Name of the data set.

    Returns:
        A Markdown table with a row for each class.

    Raises:
        InputError: If nothing can be compared.
    """
    columns = {}
    for results in by_setting(results_of(folder, [_STUDY])).values():
        variants = {one.experiment.variant: one for one in compared(results, _BASELINE)}
        if _BASELINE in variants and _OURS in variants and variants[_OURS].experiment.data == data:
            heading = short_setting_text(variants[_OURS].experiment).split(', ', 1)[1]
            pairs = zip(_class_iou(variants[_BASELINE]), _class_iou(variants[_OURS]))
            columns[heading] = [f'{before:.0f} → {after:.0f}' for before, after in pairs]
    if not columns:
        raise InputError(f'{folder} has no setting of {data} with both bilinear interpolation and GDN at factor 100.')
    rows = [['class', *columns], ['---'] * (1 + len(columns))]
    rows += [[name, *cells] for name, *cells in zip(_CLASSES[data], *columns.values())]
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)


def _class_iou(variant: Variant) -> list[float]:
    """Mean over seeds; classes that occur nowhere count as 0."""
    runs = [[value or 0.0 for value in run['IoU']] for run in variant.runs.values()]
    return [sum(values) / len(values) for values in zip(*runs)]
