"""Files that are written completely or not at all, and files with similar names."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from .errors import InputError
from .places import require_whole_image, writing
from .regular import other_kind


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """Provide a temporary file beside ``path``, and rename it to ``path`` when the block ends without an error.

    If the folder cannot be written, entering the block already fails, so no long computation is wasted. If the block
    raises an exception, the temporary file is removed and an older ``path`` is kept.

    Args:
        path: The file to write; missing parent folders are created.

    Yields:
        Path of the temporary file, existing and empty, with the same suffixes as ``path``.

    Raises:
        InputError: If the folder cannot be created or written, if the disk is full, or if ``path`` is a folder, a
            pipe or a device.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f'Cannot write {path}: it is a folder; name a file instead.')
    if kind := other_kind(path):
        raise InputError(f'Cannot write {path}: it is {kind}, which a file would replace; name a file instead.')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.', suffix=''.join(path.suffixes))
    except OSError as error:
        raise InputError(f'Cannot write {path}: {error.strerror}; choose a folder you may write to.') from error
    os.close(handle)
    partial = Path(name)
    try:
        with writing(path):
            yield partial
            require_whole_image(partial, path)
            sync(partial)
            # mkstemp creates private files; results should follow the user's umask like any other output.
            partial.chmod(0o666 & ~_umask())
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def similar_files(path: str | os.PathLike, folder: str | os.PathLike, pattern: str) -> str:
    """A hint at existing files with names like that of a missing one, for messages.

    Args:
        path: The missing file.
        folder: Where to look, with its subfolders.
        pattern: Pattern of the files' names, such as ``'*.py'``.

    Returns:
        ``' Did you mean a.py or b.py?'``, with the paths below ``folder``; empty if nothing is similar.
    """
    by_name = {found.name: found.relative_to(folder).as_posix() for found in sorted(Path(folder).rglob(pattern))}
    names = get_close_matches(Path(path).name, by_name, n=2, cutoff=0.8)
    return f' Did you mean {" or ".join(by_name[name] for name in names)}?' if names else ''


def sync(path: str | os.PathLike) -> None:
    """Wait until the disk has a file, or a folder and the files in it.

    Args:
        path: The file or folder.

    Raises:
        OSError: If the disk has not taken it.
    """
    path = Path(path)
    for part in [path, *(path.iterdir() if path.is_dir() else ())]:
        handle = os.open(part, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
