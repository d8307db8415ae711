"""Places to write to: tried before the work, and named when writing fails."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from .errors import InputError
from .lock import only_user
from .regular import other_kind
from .system_errors import is_about_writing, reason, remedy

IN_USE = '.in_use'
"""Name of the file that is locked while a run fills a folder, and removed at its end."""
_PICTURES = ((b'\x89PN', b'IEND\xaeB`\x82'), (b'\xff\xd8\xff', b'\xff\xd9'))  # how PNG and JPEG begin and end


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
        raise InputError(
            f'Cannot create {what} {folder} ({error.strerror}); name one you may write to with {option}.'
        ) from error
    try:
        # Permissions alone tell little: of root, of network drives, of full disks.
        with tempfile.TemporaryFile(dir=str(folder)) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise InputError(
            f'Cannot write in {what} {folder} ({error.strerror}); {remedy(error)}, or name another one with {option}.'
        ) from error


def require_file_place(path: str | os.PathLike, what: str, option: str) -> None:
    """Make sure that a file can be written, before anything is computed; an existing one is left as it is.

    Args:
        path: The file.
        what: What it is, for messages, such as 'the archive'.
        option: The option that names another one.

    Raises:
        InputError: If it is a folder, a pipe or a device, or if its folder cannot be made or written.
    """
    if Path(path).is_dir():
        raise InputError(f'Cannot write {what} {path}: it is a folder; name a file with {option}.')
    if kind := other_kind(path):
        raise InputError(f'Cannot write {what} {path}: it is {kind}; name a file with {option}.')
    require_folder(Path(path).parent, f'the folder of {what}', option)


def require_other_file(out: str | os.PathLike, *given: str | os.PathLike | None) -> None:
    """Make sure that a result does not replace what it is made from.

    Args:
        out: The file to write.
        *given: The files to read; ``None`` for those that were not given.

    Raises:
        InputError: If they are the same file.
    """
    for path in given:
        if path is not None and Path(out).resolve() == Path(path).resolve():
            raise InputError(f'{out} would replace {path}, from which it is to be made; choose another name.')


def require_whole_image(path: Path, what: str | os.PathLike) -> None:
    """Make sure that a picture just written is not cut off: Pillow does not notice when the disk takes only a part.

    Args:
        path: The file; files that are no PNG and no JPEG pass.
        what: The file it is to become, for messages.

    Raises:
        InputError: If its end is missing.
    """
    with path.open('rb') as file:
        start = file.read(3)
        file.seek(max(0, path.stat().st_size - 8))
        end = file.read()
    if any(start == mark and not end.endswith(last) for mark, last in _PICTURES):
        raise InputError(
            f'Cannot write {what}: the disk has taken only a part of it; make room, and run this again. '
            'What was there before is untouched.'
        )


@contextmanager
def writing(what: str | os.PathLike) -> Iterator[None]:
    """Turn what the system says of a file that cannot be written into a sentence.

    Args:
        what: The file or folder that the block writes, beside what is there already.

    Raises:
        InputError: If there is no room for it, or if the disk is read-only.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if isinstance(error, InputError) or not is_about_writing(error):
            raise
        raise InputError(
            f'Cannot write {what} ({reason(error)}); {remedy(error)}, and run this again. What was there '
            'before is untouched.'
        ) from error


@contextmanager
def filling(folder: str | os.PathLike, is_first: bool = True) -> Iterator[Path]:
    """Provide an empty folder inside another one, whose files come to it when the block ends without an error.

    Until then, older files of the same names stay as they are; if the block fails, they stay for good. Of several
    processes the first one moves the files, when all have left what makes them wait for each other.

    Args:
        folder: The folder to fill; missing parents are made, too.
        is_first: Whether this is the first of several processes, or the only one. It keeps other runs out.

    Yields:
        The folder to write to.

    Raises:
        InputError: If it cannot be written, or if another run fills it.
    """
    partial = Path(folder, '.unfinished')
    with writing(f'{folder}, or the log of this run'):
        Path(folder).mkdir(parents=True, exist_ok=True)
    with only_user(Path(folder), IN_USE, '--out', stays=False) if is_first else nullcontext():
        if is_first:
            shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed; none has begun to write here
        yield from _fill(folder, partial)


def _fill(folder: str | os.PathLike, partial: Path) -> Iterator[Path]:
    from mmengine.dist import is_main_process  # here, because operators use this package and need no mmengine

    try:
        with writing(f'{folder}, or the log of this run'):
            partial.mkdir(parents=True, exist_ok=True)
            yield partial
            # Only now: at the beginning, processes may not know each other yet.
            files = [file for file in sorted(partial.rglob('*')) if file.is_file()] if is_main_process() else []
            for file in files:
                require_whole_image(file, Path(folder, file.name))
            for file in files:
                target = Path(folder, file.relative_to(partial))
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
    finally:
        if is_main_process():
            shutil.rmtree(partial, ignore_errors=True)
