"""Best class of each pixel of globally interpolated scores, without the full-size scores."""

from __future__ import annotations

import torch
from torch import Tensor

from . import native
from .global_interp import check_shapes, plain_global_interp, rows_first
from .precision import is_tracing, product_dtype, sum_dtype, without_autocast
from .tiles import TiledScores

_EXACT_INTEGERS = 2**24  # float32 counts up to here


def global_interp_argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    """``global_interp(x, kernel_h, kernel_w).argmax(1)``, a tile of rows at a time.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h).
        kernel_w: Maps columns, shape (W, w).

    Returns:
        Class indices, shape (N, H, W), int64; of equal scores the lowest class.

    Raises:
        InputError: If the shapes do not fit each other.

    Example:
        >>> x = torch.eye(3).view(1, 3, 1, 3)
        >>> global_interp_argmax(x, torch.ones(2, 1), torch.eye(3))
        tensor([[[0, 1, 2],
                 [0, 1, 2]]])
    """
    check_shapes(x, kernel_h, kernel_w)
    if is_tracing():
        return plain_global_interp(x, kernel_h, kernel_w).argmax(1)
    best = torch.empty(len(x), len(kernel_h), len(kernel_w), dtype=torch.int64, device=x.device)
    with torch.no_grad():
        if rows_first(kernel_h, kernel_w):
            _argmax(x, kernel_h, kernel_w, best)
        else:
            _argmax(x.mT, kernel_w, kernel_h, best.mT)
    return best


def _argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, best: Tensor) -> None:
    dtype = product_dtype(x)
    kernel_h, kernel_w = kernel_h.to(dtype), kernel_w.to(dtype)
    if native.serves(x, kernel_h, kernel_w):
        native.argmax(x, kernel_h, kernel_w, best)
        return
    first_largest = _first_largest if x.device.type == 'cpu' else torch.argmax
    with without_autocast(x):
        tiled = TiledScores(x, kernel_h, kernel_w)
        for band in tiled.bands():
            band_best = band.of(best)
            for tile in tiled.tiles(band):
                tile_best = band_best[tile.rows]
                tile_best.copy_(first_largest(tile.scores, 1).view(tile_best.shape))


def _first_largest(scores: Tensor, dim: int) -> Tensor:
    """``scores.argmax(dim)`` in steps that use the CPU's wide registers, which torch's own does not; spoils scores.

    Each class gets a rank, the lowest class the highest; the best rank among the largest scores names the class.
    """
    scores = scores.to(sum_dtype(scores.dtype))
    classes = scores.shape[dim]
    largest = scores.amax(dim, keepdim=True)
    if classes >= _EXACT_INTEGERS or not largest.sum().isfinite():
        # To argmax a score that is not a number is largest, but it is equal to nothing, not even to itself.
        return scores.argmax(dim)
    shape = [classes if axis == dim else 1 for axis in range(scores.dim())]
    rank = torch.arange(classes, 0, -1, dtype=scores.dtype).view(shape)
    return scores.ge_(largest).mul_(rank).amax(dim).neg_().add_(classes)
