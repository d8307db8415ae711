"""Whether the disk has room for what is to be written."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from .errors import InputError

_GIGABYTE = 10**9


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
            raise InputError(f'{" and ".join(dict.fromkeys(folders[device]))}: {size / _GIGABYTE:.1f} GB are needed, '
                             f'but {free / _GIGABYTE:.1f} GB are free; make room or choose folders on another disk.')


def nearest_existing(folder: Path) -> Path:
    """The folder itself, or the innermost of those around it that exists."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())
