"""Memory for results and for the compiled code to work in."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import torch
from torch import Tensor

_HUGE_PAGE, _HUGE_PAGE_FROM, _MADV_HUGEPAGE = 1 << 21, 1 << 23, 14


def empty_map(shape: tuple[int, ...]) -> Tensor:
    """An uninitialised float32 tensor, in huge pages where the system has them.

    A large result is fresh memory on each call, and on Linux its first touch costs a fault per 4 KiB page, which
    takes as long as the whole product. Huge pages make that 512 times rarer.
    """
    result = torch.empty(shape, dtype=torch.float32, device='cpu')
    size = result.numel() * result.element_size()
    if size >= _HUGE_PAGE_FROM and sys.platform == 'linux':
        _advise_huge_pages(result.data_ptr(), size)
    return result


def workspace(floats: int) -> Tensor:
    """Memory from PyTorch, so that its profiler sees it."""
    return torch.empty(floats, dtype=torch.float32, device='cpu')


def _advise_huge_pages(address: int, size: int) -> None:
    first = -(-address // _HUGE_PAGE) * _HUGE_PAGE
    length = (address + size - first) // _HUGE_PAGE * _HUGE_PAGE
    _libc().madvise(ctypes.c_void_p(first), ctypes.c_size_t(length), _MADV_HUGEPAGE)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
