"""The kernels that multiply the gradients of scores back: one sums over pixels of a row, the other over rows.

Each program owns what it sums, so nothing is added atomically and the results are the same each time. The scores are
made again in both, which takes less than carrying sums of one direction through memory while summing in the other.
"""
# ruff: noqa: ANN001, ANN202  # Triton gives the arguments of kernels their types

from __future__ import annotations

import math

import triton
import triton.language as tl
from torch import Tensor

from . import tiles
from .softmax import Lines, labels_of
from .tiles import add_product, matrix_tile, scores_of_row

_LOG2_E = tl.constexpr(math.log2(math.e))


def write_grad_half_way(lines: Lines, statistics: Tensor, grad_half_way: Tensor) -> None:
    """Write the gradient of the rows at full height.

    Args:
        lines: The pixels.
        statistics: From :func:`.softmax.write_losses`.
        grad_half_way: Where to write, shape (L, C, w).
    """
    count, classes, _ = lines.half_way.shape
    options = _options(lines)
    grid = count, triton.cdiv(classes, options['CLASSES']), options['CELL_TILES']
    _rows_kernel[grid](*lines.arguments(), statistics, grad_half_way, **options)


def add_grad_kernel_w(lines: Lines, statistics: Tensor, parts: Tensor) -> None:
    """Add to parts of the gradient of ``kernel_w``.

    Args:
        lines: The pixels.
        statistics: From :func:`.softmax.write_losses`.
        parts: Sums over some of the lines each, shape (P, W, w), in the type of sums.
    """
    count, options = len(lines.half_way), _options(lines)
    grid = triton.cdiv(len(lines.kernel_w), options['PIXELS']), options['CELL_TILES'], len(parts)
    _columns_kernel[grid](*lines.arguments(), statistics, parts, count, triton.cdiv(count, len(parts)), **options)


def _options(lines: Lines) -> dict[str, object]:
    (_, classes, coarse_w), dtype = lines.half_way.shape, lines.half_way.dtype
    return tiles.options_of(tiles.tiles_of_gradients(classes, coarse_w, dtype), coarse_w, dtype)


@triton.jit
def _grad_of_scores(
    half_way, kernel_w, target, row_stride, image_stride, pixel_stride, images, classes, coarse_w, fine_w,
    statistics, line, lines, pixels, labels,
    PIXELS: tl.constexpr, CLASSES: tl.constexpr, CELLS: tl.constexpr, CELL_TILES: tl.constexpr,
    PRECISION: tl.constexpr, SUM: tl.constexpr,
):
    """(pixels, classes), in the type of the products; 0 for pixels that do not count."""
    scores = scores_of_row(half_way, kernel_w, line, pixels, labels, classes, coarse_w, fine_w,
                           PIXELS, CLASSES, CELLS, CELL_TILES, PRECISION, SUM)
    label = labels_of(target, line, pixels, row_stride, image_stride, pixel_stride, images, fine_w)
    at, every, inside = statistics + line * fine_w + pixels, lines * fine_w, pixels < fine_w
    highest = tl.load(at, mask=inside, other=0)
    scale = tl.load(at + every, mask=inside, other=0)
    grad_label = tl.load(at + 2 * every, mask=inside, other=0)
    # A pixel that does not count may have scores that are no numbers.
    counts = (labels < classes)[None, :] & (scale != 0)[:, None]
    # Made anew in other tiles, huge scores can lie far above the highest one, by rounding.
    exponents = tl.minimum((scores - highest[:, None]) * _LOG2_E, 0)
    grad = tl.where(counts, tl.exp2(exponents) * scale[:, None], 0)
    grad = tl.where(labels[None, :] == label[:, None], grad_label[:, None], grad)
    return grad.to(half_way.dtype.element_ty)


@triton.jit
def _rows_kernel(
    half_way, kernel_w, target, row_stride, image_stride, pixel_stride, images, classes, coarse_w, fine_w,
    statistics, grad_half_way,
    PIXELS: tl.constexpr, CLASSES: tl.constexpr, CELLS: tl.constexpr, CELL_TILES: tl.constexpr,
    PRECISION: tl.constexpr, SUM: tl.constexpr,
):
    line, lines = tl.program_id(0).to(tl.int64), tl.num_programs(0).to(tl.int64)
    labels = tl.program_id(1) * CLASSES + tl.arange(0, CLASSES)
    cells = tl.program_id(2) * CELLS + tl.arange(0, CELLS)
    total = tl.zeros((CLASSES, CELLS), SUM)
    for first in range(0, fine_w, PIXELS):
        pixels = first + tl.arange(0, PIXELS)
        grad = _grad_of_scores(half_way, kernel_w, target, row_stride, image_stride, pixel_stride, images, classes,
                               coarse_w, fine_w, statistics, line, lines, pixels, labels,
                               PIXELS, CLASSES, CELLS, CELL_TILES, PRECISION, SUM)
        right = matrix_tile(kernel_w, pixels, cells, fine_w, coarse_w)
        total = add_product(total, tl.trans(grad), right, PRECISION)
    at = grad_half_way + line * classes * coarse_w + labels[:, None] * coarse_w + cells[None, :]
    inside = (labels < classes)[:, None] & (cells < coarse_w)[None, :]
    tl.store(at, total.to(grad_half_way.dtype.element_ty), mask=inside)


@triton.jit
def _columns_kernel(
    half_way, kernel_w, target, row_stride, image_stride, pixel_stride, images, classes, coarse_w, fine_w,
    statistics, parts, lines, lines_of_part,
    PIXELS: tl.constexpr, CLASSES: tl.constexpr, CELLS: tl.constexpr, CELL_TILES: tl.constexpr,
    PRECISION: tl.constexpr, SUM: tl.constexpr,
):
    pixels = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    cells = tl.program_id(1) * CELLS + tl.arange(0, CELLS)
    part, lines = tl.program_id(2).to(tl.int64), tl.cast(lines, tl.int64)  # a single line is a constant
    total = tl.zeros((PIXELS, CELLS), SUM)
    for line in range(part * lines_of_part, tl.minimum((part + 1) * lines_of_part, lines)):
        for first in range(0, classes, CLASSES):
            labels = first + tl.arange(0, CLASSES)
            grad = _grad_of_scores(half_way, kernel_w, target, row_stride, image_stride, pixel_stride, images,
                                   classes, coarse_w, fine_w, statistics, line, lines, pixels, labels,
                                   PIXELS, CLASSES, CELLS, CELL_TILES, PRECISION, SUM)
            right = matrix_tile(half_way + line * classes * coarse_w, labels, cells, classes, coarse_w)
            total = add_product(total, grad, right, PRECISION)
    at = parts + part * fine_w * coarse_w + pixels[:, None] * coarse_w + cells[None, :]
    inside = (pixels < fine_w)[:, None] & (cells < coarse_w)[None, :]
    tl.store(at, tl.load(at, mask=inside, other=0) + total, mask=inside)
