"""What an interrupted step has left: put in order to go on from it, or out of the way."""

from __future__ import annotations

from pathlib import Path

from mmseg_gdn.utils import atomic_write

from .files import is_readable


def prepare_resuming(folder: Path) -> None:
    """Let mmengine resume from the newest checkpoint that can be read.

    The note ``last_checkpoint`` may be empty, or name a checkpoint that was deleted to make room for one whose writing
    was broken off.

    Args:
        folder: Work folder of the training.
    """
    note = folder / 'last_checkpoint'
    checkpoints = sorted(folder.glob('iter_*.pth'), key=_iteration, reverse=True)
    newest = next((path for path in checkpoints if is_readable(path)), None)
    if newest:
        with atomic_write(note) as partial:
            partial.write_text(str(newest))
    else:
        note.unlink(missing_ok=True)


def set_aside(folder: Path) -> Path | None:
    """Rename a folder that is of no use, because it may hold days of somebody's work.

    Args:
        folder: The folder.

    Returns:
        Its new name, or ``None`` if there was none.
    """
    if not folder.exists():
        return None
    number = 1
    while (new := folder.with_name(f'{folder.name}.old-{number}')).exists():
        number += 1
    return folder.rename(new)


def _iteration(path: Path) -> int:
    digits = path.stem.removeprefix('iter_')
    return int(digits) if digits.isdigit() else -1
