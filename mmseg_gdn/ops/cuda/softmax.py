"""The kernel for losses, sums over pixels, and what gradients need of the softmax of each pixel."""
# ruff: noqa: ANN001, ANN201, ANN202  # Triton gives the arguments of kernels their types

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..checks import precise_dtype
from . import tiles
from .tiles import scores_of_row

_NO_CLASS = tl.constexpr(2**31 - 1)
_LOG2_E = tl.constexpr(math.log2(math.e))


class Lines(NamedTuple):
    """Some rows of some images, row after row and in each row image after image.

    Attributes:
        half_way: Rows at full height, shape (L, C, w).
        kernel_w: Shape (W, w), in the same type.
        target: Class indices, shape (rows, images, W), any strides.
        ignore_index: Label of pixels that do not count.
    """

    half_way: Tensor
    kernel_w: Tensor
    target: Tensor
    ignore_index: int

    def arguments(self) -> tuple:
        """What all kernels of the loss take first."""
        return (self.half_way, self.kernel_w, self.target, *self.target.stride(), self.target.shape[1],
                *self.half_way.shape[1:], len(self.kernel_w))


def write_losses(lines: Lines, weight: Tensor | None, grad_losses: Tensor | None, max_loss: float | None,
                 losses: Tensor | None, statistics: Tensor | None) -> Tensor:
    """Losses of the pixels, each if wanted and their sums.

    Args:
        lines: The pixels.
        weight: Weight of each class, shape (C,), in the type of sums.
        grad_losses: Gradient with respect to each loss, shape (L, W), in the type of sums; 1 if missing.
        max_loss: Upper bound of a loss before its weight.
        losses: Where to write weighted losses, shape (L, W), in the type of sums.
        statistics: Where to write what :mod:`.gradients` needs, shape (3, L, W), in the type of sums: the largest
            score, what powers of scores are multiplied by to become gradients, and the gradient of the label's score.

    Returns:
        Parts of the sums of losses, weights and hits, shape (3, parts), in the type of sums.
    """
    (count, classes, coarse_w), dtype = lines.half_way.shape, lines.half_way.dtype
    options = tiles.options_of(tiles.tiles_of_scores(classes, coarse_w, dtype), coarse_w, dtype)
    grid = count, triton.cdiv(len(lines.kernel_w), options['PIXELS'])
    sums = torch.empty(3, *grid, dtype=precise_dtype(dtype), device=lines.half_way.device)
    nothing = sums  # where a kernel does not look
    _softmax_kernel[grid](
        *lines.arguments(), *(nothing if tensor is None else tensor for tensor in (weight, grad_losses, losses)),
        nothing if statistics is None else statistics, sums, lines.ignore_index,
        math.inf if max_loss is None else max_loss, WITH_WEIGHT=weight is not None,
        WITH_GRAD=grad_losses is not None, WITH_LOSSES=losses is not None, WITH_STATISTICS=statistics is not None,
        **options)
    return sums.flatten(1)


@triton.jit
def labels_of(target, line, pixels, row_stride, image_stride, pixel_stride, images, fine_w):
    """Labels of some pixels of a line; 0 beyond its end."""
    row = target + (line // images) * row_stride + (line % images) * image_stride
    return tl.load(row + pixels * pixel_stride, mask=pixels < fine_w, other=0).to(tl.int64)


@triton.jit
def _log1p(x):
    """Precise where x is small, of whatever quality the logarithm is."""
    t = x / (2 + x)
    s = t * t
    series = 2 * t * (1 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s / 13))))))
    return tl.where(x < 0.25, series, tl.log(1 + x))


@triton.jit
def _softmax_kernel(
    half_way, kernel_w, target, row_stride, image_stride, pixel_stride, images, classes, coarse_w, fine_w,
    weight, grad_losses, losses, statistics, sums, ignore_index, max_loss,
    WITH_WEIGHT: tl.constexpr, WITH_GRAD: tl.constexpr, WITH_LOSSES: tl.constexpr, WITH_STATISTICS: tl.constexpr,
    PIXELS: tl.constexpr, CLASSES: tl.constexpr, CELLS: tl.constexpr, CELL_TILES: tl.constexpr,
    PRECISION: tl.constexpr, SUM: tl.constexpr,
):
    line = tl.program_id(0).to(tl.int64)
    pixels = tl.program_id(1) * PIXELS + tl.arange(0, PIXELS)
    inside = pixels < fine_w
    label = labels_of(target, line, pixels, row_stride, image_stride, pixel_stride, images, fine_w)
    valid = inside & (label != ignore_index)

    # The label is left out of the sum over the classes, so that a nearly certain pixel's small loss is precise.
    label_score = tl.full((PIXELS,), float('nan'), SUM)  # stays so if the label is no class
    highest = tl.full((PIXELS,), -float('inf'), SUM)
    winner = tl.full((PIXELS,), _NO_CLASS, tl.int32)
    others = tl.zeros((PIXELS,), SUM)
    for first in range(0, classes, CLASSES):
        labels = first + tl.arange(0, CLASSES)
        scores = scores_of_row(half_way, kernel_w, line, pixels, labels, classes, coarse_w, fine_w,
                               PIXELS, CLASSES, CELLS, CELL_TILES, PRECISION, SUM)
        is_class = (labels < classes)[None, :]
        is_label = (labels[None, :] == label[:, None]) & is_class
        scores = tl.where(is_class, scores, -float('inf'))
        found = tl.max(is_label.to(tl.int32), 1) > 0
        label_score = tl.where(found, tl.sum(tl.where(is_label, scores, 0), 1), label_score)
        highest_here = tl.max(scores, 1)
        winner_here = tl.min(tl.where((scores == highest_here[:, None]) & is_class, labels[None, :], _NO_CLASS), 1)
        winner = tl.where((highest_here > highest) | (winner == _NO_CLASS), winner_here, winner)
        before, highest = highest, tl.maximum(highest, highest_here)
        shift = tl.where(highest == -float('inf'), 0, highest)
        powers = tl.where(is_label, 0, tl.exp2((scores - shift[:, None]) * _LOG2_E))
        others = others * tl.exp2((before - shift) * _LOG2_E) + tl.sum(powers, 1)

    label_power = tl.exp2((label_score - highest) * _LOG2_E)
    beyond_one = tl.where(label_score == highest, others, others - 1 + label_power)
    loss = _log1p(beyond_one) + (highest - label_score)
    loss = tl.where(loss > max_loss, max_loss, loss)
    pixel_weight = valid.to(SUM)
    if WITH_WEIGHT:
        is_known = valid & (label >= 0) & (label < classes)
        pixel_weight = tl.load(weight + label, mask=is_known, other=0).to(SUM)
    loss = tl.where(valid, loss * pixel_weight, 0)
    at = line * fine_w + pixels
    if WITH_LOSSES:
        tl.store(losses + at, loss, mask=inside)
    if WITH_STATISTICS:
        factor = pixel_weight
        if WITH_GRAD:
            factor *= tl.load(grad_losses + at, mask=inside, other=0)
        scale = tl.where(valid, factor / (label_power + others), 0)
        every = tl.num_programs(0).to(tl.int64) * fine_w
        tl.store(statistics + at, highest, mask=inside)
        tl.store(statistics + every + at, scale, mask=inside)
        tl.store(statistics + 2 * every + at, tl.where(valid, -scale * others, 0), mask=inside)
    is_hit = valid & (winner == label)
    part, parts = line * tl.num_programs(1) + tl.program_id(1), tl.num_programs(0).to(tl.int64) * tl.num_programs(1)
    tl.store(sums + part, tl.sum(loss))
    tl.store(sums + parts + part, tl.sum(pixel_weight))
    tl.store(sums + 2 * parts + part, tl.sum(is_hit.to(SUM)))
