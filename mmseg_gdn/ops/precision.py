"""Types of numbers the operators compute in."""

from __future__ import annotations

import torch
from torch import Tensor

try:
    from torch.compiler import is_compiling
except ImportError:  # before PyTorch 2.2
    from torch._dynamo import is_compiling


def product_dtype(x: Tensor) -> torch.dtype:
    """The type a matrix product with ``x`` has here: that of ``x`` or, under autocast, autocast's.

    Under autocast, asking a product itself serves every device alike.
    """
    if not _may_autocast(x.device.type):
        return x.dtype
    return torch.mm(x.new_empty(1, 1), x.new_empty(1, 1)).dtype


def _may_autocast(device_type: str) -> bool:
    try:
        return torch.is_autocast_enabled(device_type)
    except (TypeError, RuntimeError):  # before PyTorch 2.4 it takes no device; later it knows not every device
        return True


def sum_dtype(dtype: torch.dtype) -> torch.dtype:
    """The type for sums and logarithms of numbers of type ``dtype``: float32 at least."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def without_autocast(x: Tensor) -> torch.autocast:
    """A context in which products have the types of their factors, which were chosen before."""
    return torch.autocast(x.device.type, enabled=False)


def is_tracing() -> bool:
    """Whether a compiler or an exporter records what is done, rather than numbers being computed."""
    return torch.jit.is_tracing() or is_compiling()
