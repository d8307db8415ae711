"""Signals that ask a training to stop when it has saved a checkpoint."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

_NAMES = {
    number: name for name in ('SIGINT', 'SIGTERM', 'SIGUSR1') if (number := getattr(signal, name, None)) is not None
}


def name_of(signum: int) -> str:
    """What a user calls a signal."""
    return 'Ctrl-C' if signum == signal.SIGINT else _NAMES.get(signum, f'signal {signum}')


class StopRequests:
    """Takes the signals by which users, Slurm and torchrun stop a training, and only notes the first.

    A second Ctrl-C raises ``KeyboardInterrupt``, for users who do not want to wait. Other signals may come again, as
    torchrun sends them, and change nothing. Processes forked from this one are not stopped by them.
    """

    def __init__(self) -> None:
        self.received = 0
        """Number of the first signal; 0 if there was none."""
        self._previous: dict[int, Any] = {}
        self._owner = os.getpid()

    def watch(self) -> None:
        """Take signals, if this is the main thread."""
        if threading.current_thread() is threading.main_thread() and not self._previous:
            self.received = 0
            self._previous = {number: signal.signal(number, self._note) for number in _NAMES}

    def release(self) -> None:
        """Leave signals to whoever had them before."""
        for number, handler in self._previous.items():
            signal.signal(number, handler or signal.SIG_DFL)
        self._previous = {}

    def _note(self, signum: int, frame: Any) -> None:
        if os.getpid() != self._owner:
            return
        if signum == signal.SIGINT and self.received:
            raise KeyboardInterrupt
        self.received = self.received or signum
