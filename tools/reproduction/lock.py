"""One run at a time in a work folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmseg_gdn.utils import InputError


@contextmanager
def only_user(folder: Path) -> Iterator[None]:
    """Keep other runs out of a work folder; the kernel lets them in again however this process ends.

    Args:
        folder: The work folder; it exists.

    Raises:
        InputError: If another run uses it, or if it cannot be written.
    """
    try:
        opened = (folder / 'lock').open('w')
    except OSError as error:
        raise InputError(f'Cannot write {folder / "lock"} ({error.strerror}); name a folder you may write to with '
                         '--work-dir.') from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f'Another run uses {folder}; wait for it, or name another folder by --work-dir.'
                             ) from error
        yield
