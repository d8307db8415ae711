"""How much of a full-size map is worked on at a time, and where full-size maps are put."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor

_TILE_BYTES = {'cpu': 1 << 20, 'cuda': 1 << 28}  # per thread; on the whole
_MIN_THREADS, _MAX_THREADS = 2, 16
_HUGE_PAGE, _HUGE_PAGE_FROM, _MADV_HUGEPAGE = 1 << 21, 1 << 23, 14


def tile_bytes(device: torch.device) -> int:
    """Size of one tile: about what the CPU threads' own caches hold; on other devices what keeps them busy."""
    if device.type == 'cpu':
        return _TILE_BYTES['cpu'] * max(_MIN_THREADS, min(torch.get_num_threads(), _MAX_THREADS))
    return _TILE_BYTES['cuda']


def spans(length: int, longest: int) -> Iterator[slice]:
    """Cut ``range(length)`` into the fewest slices of at most ``longest``, all about as long."""
    count = -(-length // max(1, longest))
    for index in range(count):
        yield slice(index * length // count, (index + 1) * length // count)


def empty_map(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """An uninitialised tensor, in huge pages where the system has them.

    A large result is fresh memory on each call, and on Linux its first touch costs a fault per 4 KiB page, which
    takes as long as the whole product. Huge pages make that 512 times rarer.
    """
    result = torch.empty(shape, dtype=dtype, device=device)
    size = result.numel() * result.element_size()
    if device.type == 'cpu' and size >= _HUGE_PAGE_FROM and sys.platform == 'linux':
        _advise_huge_pages(result.data_ptr(), size)
    return result


def _advise_huge_pages(address: int, size: int) -> None:
    first = -(-address // _HUGE_PAGE) * _HUGE_PAGE
    length = (address + size - first) // _HUGE_PAGE * _HUGE_PAGE
    _libc().madvise(ctypes.c_void_p(first), ctypes.c_size_t(length), _MADV_HUGEPAGE)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
