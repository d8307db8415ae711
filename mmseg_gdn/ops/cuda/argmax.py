"""The kernel for the best class of each pixel."""
# ruff: noqa: ANN001, ANN202  # Triton gives the arguments of kernels their types

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..checks import rows_first
from ..reference import spans
from . import tiles
from .tiles import scores_of_row

_CHUNK_BYTES = 64 << 20  # of rows at full height
_NO_CLASS = tl.constexpr(2**31 - 1)


def argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    """Best class of each pixel, of equal scores the lowest one, and of those that are no numbers the first.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Shape (H, h), in the type of ``x``.
        kernel_w: Shape (W, w), in the type of ``x``.

    Returns:
        Shape (N, H, W), int64.
    """
    if not rows_first(kernel_h, kernel_w):
        return argmax(x.mT, kernel_w, kernel_h).mT.contiguous()
    n, classes, h, w = x.shape
    best = torch.empty(len(kernel_h), n, len(kernel_w), dtype=torch.int64, device=x.device)
    coarse, kernel_w = x.permute(2, 0, 1, 3).reshape(h, -1), kernel_w.contiguous()
    row_bytes = coarse.shape[1] * coarse.element_size()
    for rows in spans(len(kernel_h), _CHUNK_BYTES // row_bytes):
        half_way = torch.mm(kernel_h[rows], coarse).view(-1, classes, w)
        _write_argmax(half_way, kernel_w, best[rows])
    return best.transpose(0, 1).contiguous()


def _write_argmax(half_way: Tensor, kernel_w: Tensor, best: Tensor) -> None:
    """Of rows at full height (L, C, w)."""
    (lines, classes, coarse_w), fine_w = half_way.shape, len(kernel_w)
    dtype = half_way.dtype
    options = tiles.options_of(tiles.tiles_of_scores(classes, coarse_w, dtype), coarse_w, dtype)
    grid = lines, triton.cdiv(fine_w, options['PIXELS'])
    _argmax_kernel[grid](half_way, kernel_w, best, classes, coarse_w, fine_w, **options)


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
