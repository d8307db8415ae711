"""One run at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError


@contextmanager
def only_user(folder: Path, name: str = 'lock') -> Iterator[None]:
    """Keep other runs out of a work folder; the kernel lets them in again however this process ends.

    Processes forked in the meantime do not keep the lock.

    Args:
        folder: The work folder; it exists.
        name: Name of the file, in the folder, that is locked.

    Raises:
        InputError: If another run uses it, or if it cannot be written.
    """
    try:
        opened = (folder / name).open('a')
    except OSError as error:
        raise InputError(f'Cannot write {folder / name} ({error.strerror}); name a folder you may write to with '
                         '--work-dir.') from error
    with opened as file:
        os.register_at_fork(after_in_child=file.close)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f'Another run uses {folder}; wait for it, or name another folder by --work-dir.'
                             ) from error
        yield
