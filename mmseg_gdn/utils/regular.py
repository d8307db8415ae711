"""Names that are no files: reading a pipe waits for ever, and some devices have no end."""

from __future__ import annotations

import os
import stat

from .errors import InputError

_KINDS = {stat.S_IFIFO: 'a pipe', stat.S_IFSOCK: 'a socket', stat.S_IFCHR: 'a device', stat.S_IFBLK: 'a device'}


def other_kind(path: str | os.PathLike) -> str | None:
    """What lies under a name, if it is neither a file nor a folder.

    Args:
        path: The name.

    Returns:
        Such as ``'a pipe'``; ``None`` for files and folders, and where there is nothing.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return None  # whoever opens it reports what is wrong
    return _KINDS.get(stat.S_IFMT(mode))


def require_no_pipe(path: str | os.PathLike) -> None:
    """Make sure that opening a file does not wait, and that reading it ends.

    Args:
        path: The file; one that does not exist passes.

    Raises:
        InputError: If it is a pipe, a socket or a device.
    """
    kind = other_kind(path)
    if kind is not None:
        raise InputError(f'{path} is {kind}, not a file; put a file in its place.')
