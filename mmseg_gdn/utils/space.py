"""Whether the disk has room for what is to be written."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from .errors import InputError


def require_space(needs: Iterable[tuple[Path, float]]) -> None:
    """Check the free space of each file system before anything is written.

    Args:
        needs: Folders, which need not exist yet, and the bytes that each is to take.

    Raises:
        InputError: If a file system has less free space than its folders need together.
    """
    bytes_by_device: dict[int, float] = defaultdict(float)
    folders: dict[int, list[str]] = defaultdict(list)
    existing: dict[int, Path] = {}
    for folder, size in needs:
        place = nearest_existing(folder)
        device = place.stat().st_dev
        bytes_by_device[device] += size
        folders[device].append(str(folder))
        existing[device] = place
    for device, size in bytes_by_device.items():
        free = shutil.disk_usage(existing[device]).free
        if size > free:
            raise InputError(
                f'{" and ".join(dict.fromkeys(folders[device]))}: {in_words(size)} are needed, '
                f'but {in_words(free)} are free; make room or choose folders on another disk.'
            )


def in_words(size: float) -> str:
    """A number of bytes in the unit that fits, such as '3.5 GB'.

    Args:
        size: The number.
    """
    for unit in ('bytes', 'kB', 'MB', 'GB'):
        if size < 999.95:
            return f'{size:.0f} {unit}' if unit == 'bytes' else f'{size:.1f} {unit}'
        size /= 1000
    return f'{size:.1f} TB'


def nearest_existing(folder: Path) -> Path:
    """The folder itself, or the innermost of those around it that exists."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())
