"""Progress of reading or downloading large files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from mmengine.utils import ProgressBar

_MEGABYTE = 2**20
_SHOW_PROGRESS_FROM = 50 * _MEGABYTE


@contextmanager
def byte_progress(size: int | None) -> Iterator[Callable[[int], None]]:
    """Show on standard error how many megabytes of a large file are done; nothing for files that are done at once.

    Args:
        size: Bytes in all, or ``None`` if that is not known.

    Yields:
        A function to call with the number of bytes done so far.
    """
    if size is not None and size < _SHOW_PROGRESS_FROM:
        yield lambda position: None
        return
    bar = ProgressBar((size or 0) // _MEGABYTE, file=sys.stderr)

    def show(position: int) -> None:
        step = position // _MEGABYTE - bar.completed
        if step > 0:
            bar.update(step)

    try:
        yield show
    finally:
        print(file=sys.stderr)
