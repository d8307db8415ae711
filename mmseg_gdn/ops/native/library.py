"""The compiled library, if it was built and this machine can run it."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

_PROCESSORS = ('AVX2', 'AVX512')


def is_available() -> bool:
    """Whether the compiled code is there and runs here; ``MMSEG_GDN_NATIVE=0`` in the environment switches it off."""
    return os.environ.get('MMSEG_GDN_NATIVE') != '0' and library() is not None


def serves(*tensors: Tensor) -> bool:
    """Whether the compiled code can work on these tensors: float32, on the CPU, and not empty."""
    return is_available() and all(
        type(tensor) in (Tensor, nn.Parameter) and tensor.dtype == torch.float32 and tensor.device.type == 'cpu'
        and tensor.layout == torch.strided and tensor.numel() > 0 for tensor in tensors)


@cache
def library() -> ctypes.CDLL | None:
    """The library, or ``None``: it was not built, for want of a compiler, or is not for this processor."""
    if torch.backends.cpu.get_cpu_capability() not in _PROCESSORS:
        return None
    # PyTorch is loaded already, so that the library shares its threads and does not start others beside them.
    for path in Path(__file__).parent.glob('_kernels*.so'):
        try:
            loaded = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in ('gdn_product_room', 'gdn_product_gradients_room', 'gdn_argmax_room', 'gdn_cross_entropy_room'):
            getattr(loaded, name).restype = ctypes.c_long
        return loaded
    return None
