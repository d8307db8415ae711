"""The compiled library, if it was built and this machine can run it."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

_PROCESSORS = ('AVX2', 'AVX512')
_INTERFACE = 3  # as in interface.c: what was compiled from other sources is not called
_POINTER, _LONG, _INT = ctypes.c_void_p, ctypes.c_long, ctypes.c_int
_TAKES = {
    'gdn_product_room': (*3 * [_LONG], _INT, _INT),
    'gdn_product': (*4 * [_POINTER], *5 * [_LONG], _INT, _POINTER, _INT),
    'gdn_product_gradients_room': (*5 * [_LONG], _INT, _INT),
    'gdn_product_gradients': (*7 * [_POINTER], *5 * [_LONG], _INT, _POINTER, _INT),
    'gdn_argmax_room': (*6 * [_LONG], _INT),
    'gdn_argmax': (*4 * [_POINTER], *8 * [_LONG], _POINTER, _INT),
    'gdn_cross_entropy_room': (*6 * [_LONG], _INT, _INT),
    'gdn_cross_entropy': (_POINTER, ),
}


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
    """The library, or ``None``: it was not built, for want of a compiler, is out of date, or not for this processor."""
    if torch.backends.cpu.get_cpu_capability() not in _PROCESSORS:
        return None
    # PyTorch is loaded already, so that the library shares its threads and does not start others beside them.
    for path in Path(__file__).parent.glob('_kernels*.so'):
        try:
            loaded = ctypes.CDLL(str(path))
        except OSError:
            continue
        if not hasattr(loaded, 'gdn_interface') or loaded.gdn_interface() != _INTERFACE:
            continue
        for name, types in _TAKES.items():
            function = getattr(loaded, name)
            function.argtypes, function.restype = types, _LONG if name.endswith('room') else None
        return loaded
    return None
