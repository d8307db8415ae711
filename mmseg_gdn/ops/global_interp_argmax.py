"""Best class of each pixel of globally interpolated scores, without the full-size scores."""

from __future__ import annotations

from torch import Tensor

from . import library
from .checks import check_classes, check_shapes


def global_interp_argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    """``global_interp(x, kernel_h, kernel_w).argmax(1)``, a few rows at a time.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h).
        kernel_w: Maps columns, shape (W, w).

    Returns:
        Class indices, shape (N, H, W), int64; the lowest class if scores are equal.

    Raises:
        InputError: If the shapes do not fit each other, or if there are no classes.

    Example:
        >>> x = torch.eye(3).view(1, 3, 1, 3)
        >>> global_interp_argmax(x, torch.ones(2, 1), torch.eye(3))
        tensor([[[0, 1, 2],
                 [0, 1, 2]]])
    """
    check_shapes(x, kernel_h, kernel_w)
    check_classes(x)
    return library.global_interp_argmax(x, kernel_h, kernel_w, None)
