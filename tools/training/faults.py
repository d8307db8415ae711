"""Faults of the disk, and impatient users, while a training runs."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmseg_gdn.engine.newest_checkpoint import what_can_be_resumed
from mmseg_gdn.utils import InputError, system_errors
from mmseg_gdn.utils.stopping import Stopped


@contextmanager
def faults_in_one_sentence(folder: Path) -> Iterator[None]:
    """Turn faults of the disk, and a second Ctrl-C, into a sentence that says what is left.

    Args:
        folder: The work folder, in which checkpoints are looked for.

    Raises:
        InputError: For a fault of the disk.
        Stopped: For Ctrl-C.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        sentence = system_errors.explain(error)
        if sentence is None:
            raise
        raise InputError(f'{sentence} {what_can_be_resumed(folder)}') from error
    except KeyboardInterrupt as error:
        raise Stopped(f'Stopped by Ctrl-C at once. {what_can_be_resumed(folder)}', signal.SIGINT) from error


def raise_log_errors(logger: logging.Logger) -> None:
    """Let a log that cannot be written end the training; Python only prints tracebacks, and goes on.

    Args:
        logger: The logger of the runner.
    """
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handleError = _reraise


def _reraise(record: logging.LogRecord) -> None:
    # The exception is being handled where this is called.
    raise
