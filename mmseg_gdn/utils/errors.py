"""Errors that a user can fix, reported in one sentence instead of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from . import built_parts, connections, system_errors
from .broken_pipes import quiet_if_unread
from .commands import as_here
from .stopping import Stopped, stop_by_exception

_DATA_ONLY, _CODE_TOO = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD', 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'  # torch refuses both


class InputError(ValueError):
    """Bad input: the message says what is wrong, where, and what to do about it.

    Args:
        message: One clear sentence. Where there is no clone, the scripts that it names become commands.
    """

    def __init__(self, message: str) -> None:
        super().__init__(as_here(message))


def run_tool(main: Callable[[], int | None]) -> None:
    """Run a tool's ``main`` and end the process with its exit status.

    An :class:`InputError` is printed as ``error: <sentence>`` on standard error, with status 1; so are a part of a
    config that cannot be built, processes that do not meet, and a file that cannot be written. Every other exception
    keeps its traceback, because it is a defect of the program, not of its input. Ctrl-C and SIGTERM end the process in
    order, with status 130 and 143; where nobody reads its output any more, as after ``| head``, it ends in silence,
    with 141.

    Args:
        main: The tool's entry point; its result is the exit status (``None`` is 0).
    """
    with quiet_if_unread():
        _run(main)


def _run(main: Callable[[], int | None]) -> None:
    try:
        with stop_by_exception(), _no_code_of_checkpoints():
            status = main()
    except Stopped as stopped:
        _end(str(stopped), stopped.status)
    except KeyboardInterrupt:
        _end('Stopped by Ctrl-C; results that were not finished have not been written.', 130)
    except InputError as error:
        sys.exit(f'error: {_last_sentence(error)}')
    except Exception as error:
        sentence = connections.explain(error) or system_errors.explain(error) or built_parts.explain(error)
        if sentence is None:
            raise
        sys.exit(f'error: {sentence}')
    sys.exit(status)


@contextmanager
def _no_code_of_checkpoints() -> Iterator[None]:
    """Let torch, also in child processes, load data only, which versions before 2.6 do not by themselves."""
    before = {name: os.environ.pop(name, None) for name in (_DATA_ONLY, _CODE_TOO)}
    os.environ[_DATA_ONLY] = '1'
    try:
        yield
    finally:
        os.environ.pop(_DATA_ONLY)
        os.environ.update({name: value for name, value in before.items() if value is not None})


def _end(sentence: str, status: int) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(status)


def _last_sentence(error: InputError) -> str:
    """The message without the worker's traceback that a DataLoader puts before it."""
    return str(error).rsplit(f'{type(error).__name__}: ', 1)[-1].strip()
