"""What a model card says in numbers: the metrics that ``tools/test.py`` gave for a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

from comparison import WELL_POPULATED
from mmseg.datasets import PascalVOCDataset

_METRICS = Path(__file__).parents[2] / 'checkpoints' / 'metrics.json'
_FREQUENT = [PascalVOCDataset.METAINFO['classes'][index] for index in WELL_POPULATED['voc']]
_NAMES = {'mIoU': 'mIoU of 21 classes', 'aAcc': 'pixel accuracy', 'mAP': 'image-level mAP of the label loss'}


def checkpoint_metrics(name: str) -> dict[str, float]:
    """What ``tools/test.py`` gave for a checkpoint, in percent."""
    return json.loads(_METRICS.read_text(encoding='utf-8'))[name]


def card(name: str) -> str:
    """Metrics of a checkpoint on the 264 val images of the VOC extract, at their own size.

    Args:
        name: File name of the checkpoint, without its suffix.

    Returns:
        Two Markdown tables.
    """
    metrics = checkpoint_metrics(name)
    classes = {key.removeprefix('IoU/'): value for key, value in metrics.items() if key.startswith('IoU/')}
    few = [classes[known] for known in _FREQUENT]
    rows = [(text, metrics[key]) for key, text in _NAMES.items() if key in metrics]
    rows.insert(1, (f'mIoU of the {len(few)} classes with enough images', sum(few) / len(few)))
    lines = [
        '| on 264 val images | % |',
        '|---|---|',
        *(f'| {text} | {value:.2f} |' for text, value in rows),
        '',
        '| class | IoU |',
        '|---|---|',
        *(f'| {text} | {value:.2f} |' for text, value in sorted(classes.items(), key=lambda pair: -pair[1])),
    ]
    return '\n'.join(lines)
