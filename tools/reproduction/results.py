"""The final table: what was measured here beside what was published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_gdn.utils import atomic_write

from .counts import count_images
from .records import Records, why_run
from .settings import Settings
from .step import Row, Step

PUBLISHED = Path(__file__).with_name('published.json')
_PREAMBLE = """\
# Results

"mIoU here" is what this run measured: percent, 21 classes, on the images and after the iterations named beside it.
"Published" is quoted, not measured. The two can be compared only where images and training are the same.

| model | CRF | mIoU here | tested on | trained here | published | source |
|---|---|---|---|---|---|---|
"""


def published(row: Row) -> dict[str, Any]:
    """The published number: ``miou`` or ``None``, ``measured_on`` and ``source``; empty if nothing is known."""
    table = json.loads(PUBLISHED.read_text())
    return table.get(f'{row.model}, CRF' if row.crf and row.model != 'archive' else row.model, {})


def collect_results(
    steps: list[Step], records: Records, settings: Settings, configs: dict[str, Config]
) -> list[dict[str, Any]]:
    """What the steps have measured whose results are there and still belong to the plan.

    Args:
        steps: The plan.
        records: The steps' records.
        settings: The user's options.
        configs: Completed configs of the trainings, by name.

    Returns:
        For each row of the table ``model``, ``crf``, ``miou``, ``tested_on``, ``trained``, ``published``, the
        ``metrics`` of the test, and its ``seconds``.
    """
    rows = []
    for step in steps:
        record = records.read(step.name)
        if step.row and record and why_run(step, record) is None:
            metrics = record['metrics']
            rows.append(
                dict(
                    model=step.row.model,
                    crf=step.row.crf,
                    miou=metrics.get('mIoU'),
                    tested_on=step.row.images,
                    trained=_training(step.row.model, configs, settings),
                    published=published(step.row),
                    metrics=metrics,
                    seconds=record['seconds'],
                )
            )
    return rows


def write_results(rows: list[dict[str, Any]], folder: Path) -> str:
    """Write ``results.md`` and ``results.json``.

    Args:
        rows: See :func:`collect_results`.
        folder: Where to write them.

    Returns:
        The table as Markdown.
    """
    table = _PREAMBLE + ''.join(f'| {" | ".join(_cells(row))} |\n' for row in rows)
    for name, text in (('results.md', table), ('results.json', json.dumps(rows, indent=1) + '\n')):
        with atomic_write(folder / name) as partial:
            partial.write_text(text)
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    quoted = row['published']
    number = f'{quoted["miou"]:.2f} on {quoted["measured_on"]}' if quoted.get('miou') else 'none'
    measured = '' if row['miou'] is None else f'{row["miou"]:.2f}'
    return [row['model'], row['crf'], measured, row['tested_on'], row['trained'], number, quoted.get('source', '')]


def _training(model: str, configs: dict[str, Config], settings: Settings) -> str:
    """Iterations of a stage and of those before it, batch and images."""
    cfg = configs.get(model)
    if cfg is None:
        return 'its members' if model in ('ensemble', 'archive') else 'not trained here'
    iterations = [cfg.train_cfg.max_iters]
    start = cfg
    while start.get('load_from'):
        start = configs[Path(start.load_from).parent.name]
        iterations.append(start.train_cfg.max_iters)
    names = [Path(data.ann_file).stem for data in cfg.train_dataloader.dataset.dataset.datasets]
    images = sum(count_images(settings, name) for name in names)
    return (
        f'{" + ".join(map(str, reversed(iterations)))} iterations of {cfg.train_dataloader.batch_size}, '
        f'{images} images ({" + ".join(names)})'
    )
