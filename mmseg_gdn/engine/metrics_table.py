"""The results of a training or a test as a table, beside those of the run before in the same work folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.runner import Runner

_NOT_RESULTS = ('time', 'data_time', 'step', 'epoch', 'iter')


def log_results(runner: Runner, name: str) -> None:
    """Log the last results of a runner; nothing if it has none.

    Args:
        runner: A runner that has trained or tested.
        name: ``'val'`` for results of the validation in a training, ``'test'`` for those of a test.
    """
    read = _last_validation if name == 'val' else _test
    log_dir = Path(runner.log_dir)
    now = read(log_dir)
    if not now:
        return
    earlier = sorted(
        (folder for folder in log_dir.parent.iterdir() if folder.is_dir() and folder.name < log_dir.name), reverse=True
    )
    before, where = next(((results, folder.name) for folder in earlier if (results := read(folder))), ({}, None))
    runner.logger.info(
        f'Results{f", and those of the run before, {where}" if where else ""}:\n{results_table(now, before)}'
    )


def results_table(now: Mapping[str, float], before: Mapping[str, float]) -> str:
    """A Markdown table.

    Args:
        now: Results by name.
        before: The same of another run; may lack some, or all.
    """
    has_before = any(name in before for name in now)
    rows: list[tuple[str, ...]] = [('result', 'now', *(('before', 'change') if has_before else ()))]
    for name, value in now.items():
        cells: tuple[str, ...] = (name, f'{value:.2f}')
        if has_before and name in before:
            cells += (f'{before[name]:.2f}', f'{value - before[name]:+.2f}')
        rows.append(cells + ('',) * (len(rows[0]) - len(cells)))
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ['| ' + ' | '.join(cell.ljust(width) for cell, width in zip(row, widths)) + ' |' for row in rows]
    return '\n'.join([lines[0], '|' + '|'.join('-' * (width + 2) for width in widths) + '|', *lines[1:]])


def _test(folder: Path) -> dict[str, float]:
    """What mmengine's ``LoggerHook`` has written at the end of a test."""
    return _results(_json_of(folder / f'{folder.name}.json')[-1:])


def _last_validation(folder: Path) -> dict[str, float]:
    """What mmengine's visualizer has written at the end of the last validation."""
    return _results([record for record in _json_of(folder / 'vis_data' / 'scalars.json') if 'lr' not in record][-1:])


def _json_of(path: Path) -> list[dict[str, Any]]:
    """The objects in a file, one per line; none where it is missing or damaged."""
    try:
        records = [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines() if line]
    except (OSError, ValueError):
        return []
    return [record for record in records if isinstance(record, dict)]


def _results(records: list[dict[str, Any]]) -> dict[str, float]:
    """Numbers that are results, but for those of single classes, which mmseg prints in a table of their own."""
    return {
        name: value
        for record in records
        for name, value in record.items()
        if isinstance(value, (int, float)) and name not in _NOT_RESULTS and '/' not in name
    }
