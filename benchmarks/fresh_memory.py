"""What the system asks for memory that is new to the process, which is what decides about large results on a CPU.

Each line: milliseconds to touch 315 MB for the first time (median and range of several times), in pages of either size,
right after such memory was given back or a while later. On a virtual machine that hands free memory back to its host,
huge pages cost little at once and much later.
"""

from __future__ import annotations

import mmap
import statistics
import time

import numpy as np

_BYTES, _PAGE = 2 * 150 * 512 * 512 * 4, 4096  # full-size scores of two ADE20K crops
_TIMES = 8


def first_touch(huge: bool) -> float:
    """Milliseconds to write to each page of fresh memory."""
    with mmap.mmap(-1, _BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        memory.madvise(mmap.MADV_HUGEPAGE if huge else mmap.MADV_NOHUGEPAGE)
        start = time.perf_counter()
        np.frombuffer(memory, np.uint8)[::_PAGE] = 1
        return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Print one line per kind of page and pause."""
    for pause in (0, 0.5, 3):
        for huge in (False, True):
            first_touch(huge)
            times = []
            for _ in range(_TIMES):
                time.sleep(pause)
                times.append(first_touch(huge))
            print(
                f'{"huge" if huge else "4 KiB"} pages, {pause} s later: {statistics.median(times):.0f} ms '
                f'({min(times):.0f} to {max(times):.0f})'
            )


if __name__ == '__main__':
    main()
