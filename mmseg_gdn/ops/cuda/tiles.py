"""Parts of all kernels: the scores of a tile, and how large tiles are."""
# ruff: noqa: ANN001, ANN201  # Triton gives the arguments of kernels their types

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
import triton.language as tl

from .switch import INTERPRETED

_INTERPRETED = tl.constexpr(INTERPRETED)


class Tiles(NamedTuple):
    """Sides of the tiles, each a power of two of at least 16, as matrix units need, and how a program runs.

    Attributes:
        pixels: Pixels of one row.
        classes: Classes that are looked at together.
        cells: Columns of the coarse maps.
        warps: Warps of a program.
        stages: Steps of a loop whose loads are under way together.
    """

    pixels: int
    classes: int
    cells: int
    warps: int
    stages: int


# The largest tiles that stay in the registers; benchmarks/triton_resources.py tells.
def tiles_of_scores(classes: int, coarse_w: int, dtype: torch.dtype) -> Tiles:
    """Tiles for kernels that look at each score once.

    Args:
        classes: Number of classes.
        coarse_w: Width of the coarse maps.
        dtype: The type of the products.

    Returns:
        The tiles.
    """
    widest, stages = (128, 3) if dtype.itemsize == 2 else (64, 2)
    return Tiles(64, 16 if classes <= 16 else 32, _side(coarse_w, widest), 4, stages)


def tiles_of_gradients(classes: int, coarse_w: int, dtype: torch.dtype) -> Tiles:
    """Tiles for kernels that multiply gradients of scores back, to as many cells as a tile has.

    Args:
        classes: Number of classes.
        coarse_w: Width of the coarse maps.
        dtype: The type of the products.

    Returns:
        The tiles.
    """
    scores, cells = tiles_of_scores(classes, coarse_w, dtype), _side(coarse_w, 128)
    if dtype.itemsize == 2:
        return scores._replace(cells=cells)
    return scores._replace(pixels=32, cells=cells, warps=8 if cells > 64 else 4)


def _side(length: int, longest: int) -> int:
    return min(longest, max(16, triton.next_power_of_2(length)))


def options_of(tiles: Tiles, coarse_w: int, dtype: torch.dtype) -> dict[str, object]:
    """What kernels are compiled for.

    Args:
        tiles: The tiles.
        coarse_w: Width of the coarse maps.
        dtype: The type of the products.

    Returns:
        The options, by the names of the kernels' arguments.
    """
    return dict(PIXELS=tiles.pixels, CLASSES=tiles.classes, CELLS=tiles.cells,
                CELL_TILES=triton.cdiv(coarse_w, tiles.cells), PRECISION=precision(dtype), SUM=sum_type(dtype),
                num_warps=tiles.warps, num_stages=tiles.stages)


def precision(dtype: torch.dtype) -> str:
    """How the matrix units multiply: as PyTorch is asked to, but float32 in three parts instead of one by one."""
    return 'tf32' if dtype != torch.float32 or _tf32_is_allowed() else 'tf32x3'


def _tf32_is_allowed() -> bool:
    matmul = torch.backends.cuda.matmul
    if hasattr(matmul, 'fp32_precision'):  # from torch 2.9 on; where it was set, reading allow_tf32 is an error
        return matmul.fp32_precision == 'tf32'
    return matmul.allow_tf32


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
