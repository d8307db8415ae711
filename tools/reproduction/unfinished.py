"""What an interrupted step has left, put out of the way."""

from __future__ import annotations

from pathlib import Path


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
