"""The kernel for full-size scores: both products at once, so that what lies between them is never written."""
# ruff: noqa: ANN001, ANN202  # Triton gives the arguments of kernels their types

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from . import tiles
from .tiles import add_product, matrix_tile

WIDEST = 128  # coarse columns that a program holds
_COLUMNS, _DEPTH = 64, 32


def product(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    """``kernel_h @ map @ kernel_w.T`` for each map.

    Args:
        x: Coarse maps, shape (N, C, h, w), w at most ``WIDEST``.
        kernel_h: Shape (H, h), in the type of ``x``.
        kernel_w: Shape (W, w), in the type of ``x``.

    Returns:
        Full-size maps, shape (N, C, H, W), in the type of ``x``.
    """
    (n, channels, coarse_h, coarse_w), fine_h, fine_w = x.shape, len(kernel_h), len(kernel_w)
    fine = x.new_empty(n, channels, fine_h, fine_w)
    rows, stages = (64, 3) if x.element_size() == 2 else (32, 2)  # no more stays in the registers
    grid = n * channels, triton.cdiv(fine_h, rows)
    _product_kernel[grid](
        x.contiguous(), kernel_h.contiguous(), kernel_w.contiguous(), fine, coarse_h, coarse_w, fine_h, fine_w,
        ROWS=rows, COLUMNS=_COLUMNS, DEPTH=_DEPTH, CELLS=max(16, triton.next_power_of_2(coarse_w)),
        PRECISION=tiles.precision(x.dtype), SUM=tiles.sum_type(x.dtype),
        num_stages=stages)
    return fine


@triton.jit
def _product_kernel(
    maps, kernel_h, kernel_w, fine, coarse_h, coarse_w, fine_h, fine_w,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, CELLS: tl.constexpr,
    PRECISION: tl.constexpr, SUM: tl.constexpr,
):
    index = tl.program_id(0).to(tl.int64)
    coarse, fine = maps + index * coarse_h * coarse_w, fine + index * fine_h * fine_w
    rows, cells = tl.program_id(1) * ROWS + tl.arange(0, ROWS), tl.arange(0, CELLS)
    half_way = tl.zeros((ROWS, CELLS), SUM)
    for first in range(0, coarse_h, DEPTH):
        depth = first + tl.arange(0, DEPTH)
        left = matrix_tile(kernel_h, rows, depth, fine_h, coarse_h)
        right = matrix_tile(coarse, depth, cells, coarse_h, coarse_w)
        half_way = add_product(half_way, left, right, PRECISION)
    half_way = half_way.to(maps.dtype.element_ty)
    for first in range(0, fine_w, COLUMNS):
        columns = first + tl.arange(0, COLUMNS)
        right = matrix_tile(kernel_w, columns, cells, fine_w, coarse_w)
        scores = add_product(tl.zeros((ROWS, COLUMNS), SUM), half_way, tl.trans(right), PRECISION)
        inside = (rows < fine_h)[:, None] & (columns < fine_w)[None, :]
        tl.store(fine + rows[:, None].to(tl.int64) * fine_w + columns[None, :],
                 scores.to(fine.dtype.element_ty), mask=inside)
