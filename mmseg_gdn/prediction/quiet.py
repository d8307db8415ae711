"""Silence about how a model is built, which says nothing about the predictions."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from mmengine.logging import MMLogger

from mmseg_gdn.engine.quiet_runner import is_for_people, warnings_in_log


@contextmanager
def quietly() -> Iterator[None]:
    """Show warnings and errors of this project only, not what mmengine and mmseg say of their own calls."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    logger.addFilter(is_for_people)
    try:
        # mmengine prints the name of a checkpoint each time it is opened.
        with warnings_in_log(), redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.removeFilter(is_for_people)
        logger.setLevel(level)
