"""Values that are NaN or infinite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


def non_finite(tensors: Mapping[str, Any]) -> list[str]:
    """Names of the tensors that hold NaN or infinite values, or such as are infinite in float32.

    Args:
        tensors: Tensors, and other values, which count as finite, by name.
    """
    return [
        name
        for name, tensor in tensors.items()
        if isinstance(tensor, torch.Tensor)
        and (tensor.is_floating_point() or tensor.is_complex())
        and not _in_full_precision(tensor).isfinite().all()
    ]


def _in_full_precision(tensor: torch.Tensor) -> torch.Tensor:
    """As a model holds it; types of 8 bits do not know what is finite."""
    return tensor.to(torch.complex64 if tensor.is_complex() else torch.float32)
