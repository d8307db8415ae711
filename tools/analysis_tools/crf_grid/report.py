"""What a search has found, as JSON, Markdown and a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mmseg_gdn.evaluation.dense_crf import DenseCRF
from mmseg_gdn.utils import atomic_write

from .heat_map import draw_heat_map

_COLUMNS = ('bi_w', 'bi_xy', 'bi_rgb', 'pos_w', 'pos_xy', 'mIoU')


def mean_iou(counts: np.ndarray) -> float:
    """Mean IoU in percent of the classes that occur.

    Args:
        counts: Pixels by true and predicted class, (C, C).
    """
    correct = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - correct
    return 100 * float((correct[union > 0] / union[union > 0]).mean())


def make_report(config: str, checkpoint: str, images: int, counts: Mapping[DenseCRF, np.ndarray]) -> dict:
    """Sum up a search.

    Args:
        config: The config.
        checkpoint: The checkpoint.
        images: Number of images.
        counts: Confusion counts by point, first those without CRF.

    Returns:
        ``without_crf``, ``best`` (parameters; of equally good points the first) and ``points`` (parameters and
        ``mIoU``, in the order of the grid).
    """
    without, *scores = [(point, round(mean_iou(count), 4)) for point, count in counts.items()]
    best, _ = max(scores, key=lambda score: score[1])
    return dict(
        config=config,
        checkpoint=checkpoint,
        images=images,
        without_crf=without[1],
        best=asdict(best),
        points=[dict(asdict(point), mIoU=value) for point, value in scores],
    )


def write_report(report: dict, folder: Path) -> None:
    """Write ``crf_search.json``, ``crf_search.md`` and ``crf_search.png``."""
    with atomic_write(folder / 'crf_search.md') as partial:
        partial.write_text(f'{as_markdown(report)}\n`{config_line(report)}`\n')
    with atomic_write(folder / 'crf_search.png') as partial:
        draw_heat_map(report, partial)
    # The last one, because others take it as the sign that a search is complete.
    with atomic_write(folder / 'crf_search.json') as partial:
        partial.write_text(json.dumps(report, indent=1) + '\n')


def as_markdown(report: dict) -> str:
    """The points as a table, the best first."""
    ranked = sorted(report['points'], key=lambda point: -point['mIoU'])
    rows = [_COLUMNS, ('---',) * len(_COLUMNS), ('without CRF', *[''] * 4, f'{report["without_crf"]:.2f}')]
    rows += [(*(f'{point[name]:g}' for name in _COLUMNS[:-1]), f'{point["mIoU"]:.2f}') for point in ranked]
    title = (
        f'{report["config"]}, {report["checkpoint"]}: {report["images"]} images, '
        f'{report["best"]["iterations"]} iterations'
    )
    return '\n'.join([title, '', *(f'| {" | ".join(row)} |' for row in rows), ''])


def config_line(report: dict) -> str:
    """The best parameters as a config sets them."""
    return f'crf = dict({", ".join(f"{name}={value:g}" for name, value in report["best"].items())})'
