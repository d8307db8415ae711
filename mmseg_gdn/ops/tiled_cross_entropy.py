"""Softmax cross-entropy of full-size scores and its gradient, one tile of rows after the other."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .precision import sum_dtype
from .tile_softmax import PixelOptions, Tile, softmax_tile
from .tiles import Tiles, add_product

_LOG2_E, _LN_2 = math.log2(math.e), math.log(2)


class Totals(NamedTuple):
    """Sums over all pixels (scalars), and the gradients of the sum of losses where they are wanted."""

    loss: Tensor
    weight: Tensor
    hits: Tensor
    grad_x: Tensor | None
    grad_kernel_h: Tensor | None
    grad_kernel_w: Tensor | None


def tiled_cross_entropy(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, options: PixelOptions, *,
                        needs: tuple[bool, bool, bool] = (False, False, False), losses: Tensor | None = None,
                        grad_losses: Tensor | None = None) -> Totals:
    """Loss of ``kernel_h @ x @ kernel_w.T``, of which one tile exists at a time.

    The scores of a tile are made, exponentiated, turned into their gradient in place, and multiplied back to the
    coarse size before the next tile begins, so that they stay in the cache.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h), in the type to compute products in.
        kernel_w: Maps columns, shape (W, w), in the same type.
        target: Class indices, shape (N, H, W).
        options: What decides about the value of a pixel.
        needs: Whether the gradients of x, kernel_h and kernel_w are wanted.
        losses: Takes up each pixel's loss, shape (N, H, W).
        grad_losses: Gradient with respect to each pixel's loss, shape (N, H, W); ones when not given.

    Returns:
        Sums and gradients, in float32 at least.

    Raises:
        InputError: If a label is out of range.
    """
    precise = sum_dtype(kernel_h.dtype)
    sums = x.new_zeros(3, dtype=precise)
    gradients = _Gradients(x, kernel_h, kernel_w, needs)
    # Base 2, whose exponential is the cheaper one; the factor costs least here, at the coarse size.
    tiles = Tiles(x, kernel_h, kernel_w, scale=_LOG2_E)
    for tile in tiles:
        labels = tile.of(target)
        factor = None if grad_losses is None else tile.of(grad_losses)
        pixels = softmax_tile(tile.scores, labels, options, tile.largest_score, with_gradient=any(needs), factor=factor)
        sums += pixels.sums
        if losses is not None:
            tile.of(losses).copy_(pixels.losses)
        if any(needs):
            gradients.add(tile, pixels)
    return Totals(*sums.unbind(), *gradients.finished())
