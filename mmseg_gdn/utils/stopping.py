"""Signals that ask a process to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STATUS = 128  # of a shell, plus the number of the signal


class Stopped(BaseException):
    """The process was asked to stop, and has done so in order.

    It is no ``Exception``, so that no part of a program takes it for a fault and goes on.

    Args:
        message: What is left, in one sentence.
        signum: The signal; that of Slurm's warning counts as SIGTERM.
    """

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.status = _STATUS + (signal.SIGINT if signum == signal.SIGINT else signal.SIGTERM)


@contextmanager
def stop_by_exception() -> Iterator[None]:
    """Let SIGTERM raise :class:`Stopped` as Ctrl-C raises ``KeyboardInterrupt``, so that files are put in order.

    Outside of the main thread, where Python does not set handlers, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()

    def stop(signum: int, frame: Any) -> None:
        if os.getpid() != owner:
            # Processes forked from this one end as if there was no handler.
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
            return
        raise Stopped('Stopped by SIGTERM; results that were not finished have not been written.', signum)

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous or signal.SIG_DFL)
