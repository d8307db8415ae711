"""Values that are NaN or infinite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


def non_finite(tensors: Mapping[str, Any]) -> list[str]:
    """Names of the tensors that hold NaN or infinite values.

    Args:
        tensors: Tensors, and other values, which count as finite, by name.
    """
    return [name for name, tensor in tensors.items()
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point() and not tensor.isfinite().all()]
