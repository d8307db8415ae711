"""What Python says of a config that fails, and where in which file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from .system_errors import is_about_writing, reason

_READERS = ('_file2dict', '_is_lazy_import', '_parse_lazy_import')  # of mmengine's Config, which hold the file's name


def config_error(error: BaseException) -> str:
    """Python's message about a config, without a traceback.

    Args:
        error: What reading the config raised.

    Returns:
        The kind of error and its message in one line, and the file and line it is about, if they are known.
    """
    cause = error
    # mmengine's own messages about a module name all folders of Python's path, and not the module that is missing.
    while isinstance(cause, ImportError) and isinstance(inner := cause.__cause__ or cause.__context__, ImportError):
        cause = inner
    if is_about_writing(cause):
        return f'mmengine copies it to {tempfile.gettempdir()} first, and cannot write there: {reason(cause)}'
    message = cause.msg if isinstance(cause, SyntaxError) and cause.msg else str(cause)
    return ' '.join(f'{_place(error)}{type(cause).__name__}: {message}'.split())


def _place(error: BaseException) -> str:
    files = [
        Path(name)
        for trace in _frames(error)
        if trace.tb_frame.f_code.co_name in _READERS
        and isinstance(name := trace.tb_frame.f_locals.get('filename'), str)
    ]
    if not files:
        return ''
    if isinstance(error, SyntaxError):
        return f'{files[-1].name}, line {error.lineno}: '
    names = {str(file.absolute()) for file in files}
    lines = [
        (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        for trace in _frames(error)
        if trace.tb_frame.f_code.co_filename in names
    ]
    return f'{Path(lines[-1][0]).name}, line {lines[-1][1]}: ' if lines else ''


def _frames(error: BaseException) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next
