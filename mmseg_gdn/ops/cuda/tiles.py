"""Parts of all kernels: the scores of a tile, and how large tiles are."""
# ruff: noqa: ANN001  # arguments of kernels have the types that Triton gives them

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
import triton.language as tl

from .switch import INTERPRETED

_INTERPRETED = tl.constexpr(INTERPRETED)
_WIDEST = 128  # of what one product sums over, and of a tile of gradients: more does not fit the registers


class Tiles(NamedTuple):
    """Sides of the tiles, each a power of two of at least 16, as the products of matrix units need.

    Attributes:
        pixels: Pixels of one row.
        classes: Classes that are looked at together.
        cells: Columns of the coarse maps.
    """

    pixels: int
    classes: int
    cells: int


def tiles_for(classes: int, coarse_w: int) -> Tiles:
    """Tiles that leave few lanes empty.

    Args:
        classes: Number of classes.
        coarse_w: Width of the coarse maps.

    Returns:
        The sides.
    """
    side = 16 if classes <= 16 else 32
    # Larger tiles read less, but 150 classes fill five tiles of 32 better than three of 64.
    if 10 * _filled(classes, 64) <= 11 * _filled(classes, 32):
        side = 64
    return Tiles(64, side, min(_WIDEST, max(16, triton.next_power_of_2(coarse_w))))


def _filled(length: int, side: int) -> int:
    return -(-length // side) * side


def precision(dtype: torch.dtype) -> str:
    """How the matrix units multiply: as PyTorch is asked to, but float32 in three parts instead of one by one."""
    allowed = dtype != torch.float32 or torch.backends.cuda.matmul.allow_tf32
    return 'tf32' if allowed else 'tf32x3'


def sum_type(dtype: torch.dtype) -> tl.dtype:
    """The type that kernels sum in."""
    return tl.float64 if dtype == torch.float64 else tl.float32


@triton.jit
def add_product(total, left, right, PRECISION: tl.constexpr):
    """``total + left @ right``, summed in the type of ``total``."""
    if _INTERPRETED:  # where products of bfloat16 are wrong; in a wider type they are exact
        left, right = left.to(total.dtype), right.to(total.dtype)
    return tl.dot(left, right, total, input_precision=PRECISION, out_dtype=total.dtype)


@triton.jit
def matrix_tile(matrix, rows, columns, height, width):
    """A tile of a matrix in rows, 0 where it ends."""
    inside = (rows < height)[:, None] & (columns < width)[None, :]
    return tl.load(matrix + rows[:, None] * width + columns[None, :], mask=inside, other=0)


@triton.jit
def scores_of_row(
    half_way, kernel_w, line, pixels, labels, classes, coarse_w, fine_w,
    PIXELS: tl.constexpr, CLASSES: tl.constexpr, CELLS: tl.constexpr, CELL_TILES: tl.constexpr,
    PRECISION: tl.constexpr, SUM: tl.constexpr,
):
    """Scores (pixels, classes) of some pixels of one row, for some classes; 0 for classes and pixels that are none."""
    coarse = half_way + line * classes * coarse_w
    scores = tl.zeros((PIXELS, CLASSES), SUM)
    for tile in tl.static_range(CELL_TILES):
        cells = tile * CELLS + tl.arange(0, CELLS)
        left = matrix_tile(kernel_w, pixels, cells, fine_w, coarse_w)
        right = matrix_tile(coarse, labels, cells, classes, coarse_w)
        scores = add_product(scores, left, tl.trans(right), PRECISION)
    return scores
