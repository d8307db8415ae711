"""The operators as formulas of differentiable operations, which do hold the full-size scores.

They are used for second derivatives, and for exporters that know only PyTorch's own operators.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import precise_dtype, rows_first


def global_interp(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """``kernel_h @ x @ kernel_w.T`` for each channel."""
    x, kernel_h, kernel_w = (tensor.to(dtype or x.dtype) for tensor in (x, kernel_h, kernel_w))
    if rows_first(kernel_h, kernel_w):
        return torch.matmul(torch.matmul(kernel_h, x), kernel_w.t())
    return torch.matmul(kernel_h, torch.matmul(x, kernel_w.t()))


def global_interp_argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Best class of each pixel."""
    return global_interp(x, kernel_h, kernel_w, dtype).argmax(1)


def cross_entropy_losses(
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Loss of each pixel."""
    scores = global_interp(x, kernel_h, kernel_w, dtype)
    precise = precise_dtype(scores.dtype)
    weight = None if weight is None else weight.to(precise)
    return F.cross_entropy(scores.to(precise), target.long(), weight, ignore_index=ignore_index, reduction='none')
