"""One run at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from .errors import InputError


@contextmanager
def only_user(folder: Path, name: str = 'lock', option: str = '--work-dir', stays: bool = True) -> Iterator[None]:
    """Keep other runs out of a folder; the kernel lets them in again however this process ends.

    Processes forked in the meantime do not keep the lock.

    Args:
        folder: The folder; it exists.
        name: Name of the file, in the folder, that is locked.
        option: The option that names another folder.
        stays: Whether the file is left behind, as a sign that the folder has been used.

    Raises:
        InputError: If another run uses it, or if it cannot be written.
    """
    try:
        opened = (folder / name).open('a')
    except OSError as error:
        raise InputError(
            f'Cannot write {folder / name} ({error.strerror}); name a folder you may write to with {option}.'
        ) from error
    with opened as file:
        os.register_at_fork(after_in_child=file.close)
        used = InputError(f'Another run uses {folder}; wait for it, or name another folder by {option}.')
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise used from error
        if not _is_there(folder / name, file):
            raise used
        try:
            yield
        finally:
            if not stays:
                (folder / name).unlink(missing_ok=True)


def _is_there(path: Path, file: TextIO) -> bool:
    """Whether a name still leads to a file; another run may have removed it since it was opened."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
