"""What a model card says in numbers: the metrics of one run, and what it knows of each class."""

from __future__ import annotations

from pathlib import Path

from comparison import WELL_POPULATED, Measure
from mmseg.datasets import PascalVOCDataset
from records import read_results

from mmseg_gdn.utils import InputError


def card(folder: Path, name: str) -> str:
    """Metrics of a run on the VOC extract.

    Args:
        folder: Folder of the results.
        name: Name of the run.

    Returns:
        Two Markdown tables.

    Raises:
        InputError: If the run has no result.
    """
    result = read_results(folder).get(name)
    if result is None:
        raise InputError(f'{folder} has no result {name}; make it with benchmarks/accuracy/run.py.')
    few = WELL_POPULATED['voc']
    precision = result['image_level_mAP']
    rows = [
        ('mIoU of 21 classes', Measure().of(result)),
        (f'mIoU of the {len(few)} classes with enough images', Measure(classes=few).of(result)),
        ('mIoU within 4 px of borders', Measure('4px').of(result)),
        ('pixel accuracy', result['pixel_accuracy']),
        ('image-level mAP of the masks', precision['of_masks']),
        ('image-level mAP of the label loss', precision['of_labels']),
    ]
    lines = ['| on the 264 val images, scaled to 320 px | % |', '|---|---|',
             *(f'| {text} | {value:.1f} |' for text, value in rows if value is not None), '',
             '| class | IoU |', '|---|---|']
    classes = zip(PascalVOCDataset.METAINFO['classes'], result['IoU'])
    lines += [f'| {text} | {0 if value is None else value:.1f} |'
              for text, value in sorted(classes, key=lambda pair: -(pair[1] or 0))]
    return '\n'.join(lines)
