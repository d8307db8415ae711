"""The kernel for the best class of each pixel."""
# ruff: noqa: ANN001, ANN202  # Triton gives the arguments of kernels their types

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from . import tiles
from .tiles import scores_of_row

_NO_CLASS = tl.constexpr(2**31 - 1)


def write_argmax(half_way: Tensor, kernel_w: Tensor, best: Tensor) -> None:
    """Write the best class of each pixel, of equal scores the lowest one, and of those that are no numbers the first.

    Args:
        half_way: Rows at full height, shape (L, C, w).
        kernel_w: Shape (W, w), in the same type.
        best: Where to write, shape (L, W), int64.
    """
    (lines, classes, coarse_w), fine_w = half_way.shape, len(kernel_w)
    sides = tiles.tiles_for(classes, coarse_w)
    grid = lines, triton.cdiv(fine_w, sides.pixels)
    _argmax_kernel[grid](
        half_way, kernel_w, best, classes, coarse_w, fine_w, PIXELS=sides.pixels, CLASSES=sides.classes,
        CELLS=sides.cells, CELL_TILES=triton.cdiv(coarse_w, sides.cells), PRECISION=tiles.precision(half_way.dtype),
        SUM=tiles.sum_type(half_way.dtype))


@triton.jit
def _argmax_kernel(
    half_way, kernel_w, best, classes, coarse_w, fine_w,
    PIXELS: tl.constexpr, CLASSES: tl.constexpr, CELLS: tl.constexpr, CELL_TILES: tl.constexpr,
    PRECISION: tl.constexpr, SUM: tl.constexpr,
):
    line = tl.program_id(0).to(tl.int64)
    pixels = tl.program_id(1) * PIXELS + tl.arange(0, PIXELS)
    highest = tl.full((PIXELS,), -float('inf'), SUM)
    winner = tl.full((PIXELS,), _NO_CLASS, tl.int32)
    no_number = tl.full((PIXELS,), _NO_CLASS, tl.int32)
    for first in range(0, classes, CLASSES):
        labels = first + tl.arange(0, CLASSES)
        scores = scores_of_row(half_way, kernel_w, line, pixels, labels, classes, coarse_w, fine_w,
                               PIXELS, CLASSES, CELLS, CELL_TILES, PRECISION, SUM)
        # As if they had been written: rounding makes scores equal, of which the first one wins.
        scores = scores.to(half_way.dtype.element_ty).to(SUM)
        is_class = (labels < classes)[None, :]
        is_nan = (scores != scores) & is_class
        no_number = tl.minimum(no_number, tl.min(tl.where(is_nan, labels[None, :], _NO_CLASS), 1))
        scores = tl.where(is_class & (scores == scores), scores, -float('inf'))
        highest_here = tl.max(scores, 1)
        is_winner = (scores == highest_here[:, None]) & is_class
        winner_here = tl.min(tl.where(is_winner, labels[None, :], _NO_CLASS), 1)
        winner = tl.where((highest_here > highest) | (winner == _NO_CLASS), winner_here, winner)
        highest = tl.maximum(highest, highest_here)
    winner = tl.where(no_number == _NO_CLASS, winner, no_number)
    tl.store(best + line * fine_w + pixels, winner.to(tl.int64), mask=pixels < fine_w)
