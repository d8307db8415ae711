"""Whether two trainings have ended alike: their last and best checkpoints and all that they have logged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

_TIMES = ('time', 'data_time', 'memory')
_RECORD = ('best_score', 'keep_ckpt_ids')


def differences(whole: Path, resumed: Path) -> list[str]:
    """What differs, bit for bit.

    Args:
        whole: Work folder of a training that was not interrupted.
        resumed: Work folder of one that was killed and resumed. What it has logged more than once must be equal each
            time.

    Returns:
        Names of what differs; empty if nothing does.
    """
    found = []
    if names(whole) != names(resumed):
        return [f'checkpoints {names(resumed)} instead of {names(whole)}']
    for name in names(whole):
        found += _compare(_state(whole / name), _state(resumed / name), name)
    logged = dict(_logged(whole))
    again = list(_logged(resumed))
    found += [f'logged {key}' for key, value in again if logged.get(key) != value]
    found += [f'not logged {key}' for key in logged.keys() - dict(again).keys()]
    return found


def names(folder: Path) -> list[str]:
    """Names of the checkpoints in a work folder."""
    return sorted(path.name for path in folder.glob('*.pth'))


def _state(path: Path) -> dict[str, Any]:
    """All of a checkpoint but times, paths and names of files."""
    checkpoint = torch.load(path, weights_only=True)
    hub = checkpoint.pop('message_hub')
    meta = checkpoint.pop('meta')
    logged = {key: buffer.data for key, buffer in hub['log_scalars'].items() if not key.endswith(_TIMES)}
    record = {key: hub['runtime_info'].get(key) for key in _RECORD}
    best = Path(hub['runtime_info'].get('best_ckpt', '')).name
    progress = {key: meta[key] for key in ('epoch', 'iter', 'seed')}
    return dict(checkpoint, logged=logged, record=record, best=best, progress=progress)


def _compare(one: Any, other: Any, name: str) -> Iterator[str]:
    if type(one) is not type(other):
        yield name
    elif isinstance(one, dict):
        if one.keys() != other.keys():
            yield name
        for key in one.keys() & other.keys():
            yield from _compare(one[key], other[key], f'{name} {key}')
    elif isinstance(one, (list, tuple)):
        if len(one) != len(other):
            yield name
        for index, pair in enumerate(zip(one, other)):
            yield from _compare(*pair, f'{name} {index}')
    elif isinstance(one, torch.Tensor):
        if one.dtype != other.dtype or not torch.equal(one, other):
            yield name
    elif hasattr(one, 'tobytes'):
        if one.tobytes() != other.tobytes():
            yield name
    elif one != other:
        yield name


def _logged(folder: Path) -> Iterator[tuple[tuple[str, int], dict[str, Any]]]:
    """Iteration and values of each line of the logs, by whether it is one of training or of validation."""
    for path in sorted(folder.glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            try:
                values = json.loads(line)
            except json.JSONDecodeError:  # the last line of a training that was killed
                continue
            kind = 'training' if 'loss' in values else 'validation'
            step = values['step']
            yield (kind, step), {key: value for key, value in values.items() if key not in _TIMES}
