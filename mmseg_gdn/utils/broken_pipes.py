"""Ending in silence when nobody reads the output any more, as after ``| head``."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

STATUS = 128 + signal.SIGPIPE
"""The exit status, as that of programs which the system ends for it."""


@contextmanager
def quiet_if_unread() -> Iterator[None]:
    """End the process without a word if its standard output or error is a pipe that nobody reads.

    What was printed is written out when the block ends, because Python would report a failure at the very end of the
    process in its own words. A broken pipe to another process is an error as any other.

    Raises:
        SystemExit: In place of the error.
    """
    try:
        try:
            yield
        finally:
            _flush()
    except BrokenPipeError:
        if not _silence_unread():
            raise
        sys.exit(STATUS)


def raise_broken_pipes(handler: logging.Handler) -> None:
    """Let a log that nobody reads end the process, too; Python would print a traceback for each message.

    Args:
        handler: A handler of a logger; changed in place.
    """
    report = handler.handleError

    def raise_or_report(record: logging.LogRecord) -> None:
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            raise  # the error that is being handled where this is called
        report(record)

    handler.handleError = raise_or_report  # type: ignore[method-assign]  # of this one handler only


def _flush() -> None:
    for stream in _open_streams():
        stream.flush()


def _silence_unread() -> bool:
    """Drop what is left for streams that nobody reads; gives whether there are any."""
    unread = [stream for stream in _open_streams() if _is_unread(stream)]
    for stream in unread:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return bool(unread)


def _open_streams() -> list[TextIO]:
    return [stream for stream in (sys.stdout, sys.stderr) if stream is not None and not stream.closed]


def _is_unread(stream: TextIO) -> bool:
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
    except OSError:  # such as a stream in memory
        return False
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
