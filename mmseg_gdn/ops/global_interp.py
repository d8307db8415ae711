"""Global interpolation: the learned linear upsampling of the GDN paper, as a pure function."""

from __future__ import annotations

from torch import Tensor

from . import library
from .checks import check_shapes


def global_interp(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    """Upsample every channel: ``y_c = kernel_h @ x_c @ kernel_w.T``.

    Equation (1) of Nekrasov et al., "Global Deconvolutional Networks for Semantic Segmentation"
    (BMVC 2016). The authors' Caffe layer stores the two matrices transposed.

    Args:
        x: Coarse maps, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h).
        kernel_w: Maps columns, shape (W, w).

    Returns:
        Full-size maps, shape (N, C, H, W), in the type of ``x`` (under autocast, in autocast's type).

    Raises:
        InputError: If the shapes do not fit each other.

    Example:
        >>> x = torch.ones(1, 21, 16, 12)
        >>> global_interp(x, torch.ones(500, 16), torch.ones(375, 12)).shape
        torch.Size([1, 21, 500, 375])
    """
    check_shapes(x, kernel_h, kernel_w)
    return library.global_interp(x, kernel_h, kernel_w, None)
