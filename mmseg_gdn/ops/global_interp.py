"""Global interpolation: the learned linear upsampling of the GDN paper, as a pure function."""

from __future__ import annotations

import torch
from torch import Tensor


def global_interp(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    """Bring every channel to full size: ``y_c = kernel_h @ x_c @ kernel_w.T``.

    Equation (1) of Nekrasov et al., "Global Deconvolutional Networks for Semantic Segmentation"
    (BMVC 2016). The authors' Caffe layer stores the two matrices transposed.

    Args:
        x: Coarse maps, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h).
        kernel_w: Maps columns, shape (W, w).

    Returns:
        Full-size maps, shape (N, C, H, W), in the type of ``x`` (under autocast, in autocast's type).

    Raises:
        ValueError: If the shapes do not fit each other.

    Example:
        >>> x = torch.ones(1, 21, 16, 12)
        >>> global_interp(x, torch.ones(500, 16), torch.ones(375, 12)).shape
        torch.Size([1, 21, 500, 375])
    """
    _check_shapes(x, kernel_h, kernel_w)
    kernel_h, kernel_w = kernel_h.to(x.dtype), kernel_w.to(x.dtype)
    if _rows_first(kernel_h.shape, kernel_w.shape):
        return torch.matmul(torch.matmul(kernel_h, x), kernel_w.t())
    return torch.matmul(kernel_h, torch.matmul(x, kernel_w.t()))


def _rows_first(shape_h: tuple[int, int], shape_w: tuple[int, int]) -> bool:
    """Whether (K_h x) K_w^T takes no more multiplications per channel than K_h (x K_w^T)."""
    (fine_h, coarse_h), (fine_w, coarse_w) = shape_h, shape_w
    rows_first = fine_h * coarse_w * (coarse_h + fine_w)
    columns_first = fine_w * coarse_h * (coarse_w + fine_h)
    return rows_first <= columns_first


def _check_shapes(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> None:
    if x.dim() != 4 or kernel_h.dim() != 2 or kernel_w.dim() != 2:
        raise ValueError('global_interp takes x (N, C, h, w), kernel_h (H, h) and kernel_w (W, w), but got '
                         f'{tuple(x.shape)}, {tuple(kernel_h.shape)} and {tuple(kernel_w.shape)}.')
    if (kernel_h.shape[1], kernel_w.shape[1]) != tuple(x.shape[2:]):
        raise ValueError(f'The matrices read {kernel_h.shape[1]}x{kernel_w.shape[1]} maps '
                         f'(kernel_h {tuple(kernel_h.shape)}, kernel_w {tuple(kernel_w.shape)}), '
                         f'but x is {x.shape[2]}x{x.shape[3]}; give matrices whose second sides equal those of x.')
