"""The checkpoint from which a training can go on."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from mmengine.logging import print_log

from mmseg_gdn.utils import InputError

from .checkpoint import read_training_state, require_intact

# iter_2000.pth, epoch_3.pth, or by another template; not those of the best metric.
_NAME = re.compile(r'(?!best_)\w*_\d+\.pth')


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the most iterations of those that are complete and undamaged.

    What ``last_checkpoint`` says counts only if the folder itself has none: it may be empty, name a file that has been
    deleted since, or one in the place that the folder was moved or copied from.

    Args:
        folder: Where a training writes its checkpoints.

    Returns:
        The checkpoint, or ``None`` if there is none. Newer ones that are damaged are passed over with a warning.
    """
    for path in _newest_first(folder):
        try:
            require_intact(str(path))
        except InputError as error:
            print_log(f'Passed over: {error}', 'current', logging.WARNING)
        else:
            return path
    return None


def written_checkpoints(folder: Path) -> list[Path]:
    """All files and folders that a training has written as checkpoints to resume from, damaged or not.

    Args:
        folder: Where a training writes its checkpoints.
    """
    paths = [path for path in sorted(Path(folder).glob('*.pth')) if _NAME.fullmatch(path.name)]
    if paths:
        return paths
    try:
        noted = (Path(folder) / 'last_checkpoint').read_text().strip()
    except (OSError, UnicodeDecodeError):
        return []
    return [Path(noted)] if noted and Path(noted).exists() else []


def what_can_be_resumed(folder: Path) -> str:
    """A sentence for messages: what is left of a training that has to stop.

    Args:
        folder: Where it writes its checkpoints.
    """
    path = newest_checkpoint(folder)
    if path is None:
        return 'It has no checkpoint to go on from.'
    return f'To go on from {path}, add --resume.'


def _newest_first(folder: Path) -> Iterator[Path]:
    by_iteration = []
    for path in written_checkpoints(folder):
        try:
            iteration = read_training_state(str(path))['meta']['iter']
        except InputError as error:
            print_log(f'Passed over: {error}', 'current', logging.WARNING)
        else:
            by_iteration.append((iteration, path))
    yield from (path for _, path in sorted(by_iteration, reverse=True))
