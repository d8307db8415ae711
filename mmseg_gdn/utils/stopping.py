"""Signals that ask a process to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STATUS = 128  # of a shell, plus the number of the signal
_SECONDS = 0.1  # until a signal that was lost is sent once more


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
    """Let SIGTERM and SIGUSR1 raise :class:`Stopped` as Ctrl-C raises ``KeyboardInterrupt``: files are put in order.

    Slurm can be told to send SIGUSR1 before it ends a job. Python drops exceptions in destructors, as that of a data
    loader; then the signal is sent once more. Outside of the main thread, where Python does not set handlers, this does
    nothing.
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
        name = signal.Signals(signum).name
        raise Stopped(f'Stopped by {name}; results that were not finished have not been written.', signum)

    # Not at once, because exceptions in the hook are dropped as well.
    again = threading.Timer(_SECONDS, os.kill, (owner, signal.SIGTERM))

    def repeat(dropped: Any) -> None:
        if isinstance(dropped.exc_value, Stopped):
            again.start()
        else:
            report(dropped)

    report, sys.unraisablehook = sys.unraisablehook, repeat
    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGUSR1)}
    try:
        yield
    finally:
        again.cancel()
        sys.unraisablehook = report
        for number, handler in previous.items():
            signal.signal(number, handler or signal.SIG_DFL)
