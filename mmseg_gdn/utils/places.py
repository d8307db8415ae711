"""Places to write to: tried before the work, and named when writing fails."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError

_REMEDIES = {
    errno.ENOSPC: 'make room on the disk',
    errno.EDQUOT: 'make room in your quota',
    errno.EFBIG: 'raise the limit of the size of files',
    errno.EROFS: 'the disk is read-only; name a place on another one',
}
CANNOT_WRITE = tuple(_REMEDIES)


def require_folder(folder: str | os.PathLike, what: str, option: str) -> None:
    """Make a folder, and make sure that files can be written there, before anything is computed.

    Args:
        folder: The folder; missing parents are made, too.
        what: What it is for, for messages, such as 'the work folder'.
        option: The option that names another one.

    Raises:
        InputError: If it cannot be made, or if no file can be written in it.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f'Cannot create {what} {folder} ({error.strerror}); name one you may write to with '
                         f'{option}.') from error
    try:
        # Permissions alone tell little: of root, of network drives, of full disks.
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise InputError(f'Cannot write in {what} {folder} ({error.strerror}); {_remedy(error)}, or name another one '
                         f'with {option}.') from error


def require_file_place(path: str | os.PathLike, what: str, option: str) -> None:
    """Make sure that a file can be written, before anything is computed; an existing one is left as it is.

    Args:
        path: The file.
        what: What it is, for messages, such as 'the archive'.
        option: The option that names another one.

    Raises:
        InputError: If it is a folder, or if its folder cannot be made or written.
    """
    if Path(path).is_dir():
        raise InputError(f'Cannot write {what} {path}: it is a folder; name a file with {option}.')
    require_folder(Path(path).parent, f'the folder of {what}', option)


@contextmanager
def writing(what: str | os.PathLike) -> Iterator[None]:
    """Turn what the system says of a file that cannot be written into a sentence.

    Args:
        what: The file or folder that the block writes.

    Raises:
        InputError: If writing fails in the block, such as on a full disk.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise InputError(f'Cannot write {what} ({error.strerror}); {_remedy(error)}, and run this again.') from error
    # torch reports a full disk so.
    except RuntimeError as error:
        if not _is_about_writing(error):
            raise
        raise InputError(f'Cannot write {what} ({" ".join(str(error).split())[:120]}); make room on the disk, and run '
                         'this again.') from error


def _is_about_writing(error: RuntimeError) -> bool:
    text = str(error)
    return 'PytorchStreamWriter' in text or 'file write failed' in text or 'unexpected pos' in text


def _remedy(error: OSError) -> str:
    return _REMEDIES.get(error.errno, 'make it writable')
