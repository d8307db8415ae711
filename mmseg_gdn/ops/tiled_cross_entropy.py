"""Softmax cross-entropy of full-size scores and its gradient, one tile of rows after the other."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from . import native
from .band_softmax import BandSoftmax, PixelOptions, check_range
from .precision import sum_dtype
from .tiles import Band, Tile, TiledScores

_LOG2_E, _LN_2 = math.log2(math.e), math.log(2)
_MIXED_PRODUCTS = 'dtype' in torch.ops.aten.mm.overloads()


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
    if native.serves(x, kernel_h, kernel_w) and target.numel():
        return _native(x, kernel_h, kernel_w, target, options, needs, losses, grad_losses)
    precise = sum_dtype(kernel_h.dtype)
    loss, weight, hits = x.new_zeros(3, dtype=precise).unbind()
    gradients = _Gradients(x, kernel_h, kernel_w, needs)
    # Base 2, whose exponential is the cheaper one; the factor costs least here, at the coarse size.
    tiled = TiledScores(x, kernel_h, kernel_w, scale=_LOG2_E)
    for band in tiled.bands():
        factor = None if grad_losses is None else band.of(grad_losses)
        softmax = BandSoftmax(band.of(target), x.shape[1], options, precise, _bound(band, kernel_w), factor)
        gradients.begin(band)
        for tile in tiled.tiles(band):
            grad_scores = softmax.take(tile.scores.to(precise), tile.rows, any(needs))
            gradients.add(tile, grad_scores)
        gradients.end(band)
        band_losses = softmax.losses()
        loss += band_losses.sum()
        weight += softmax.weights.sum()
        if losses is not None:
            band.of(losses).copy_(band_losses)
        if options.count_hits:
            hits += _count_hits(softmax, tiled, band)
    return Totals(loss, weight, hits, *gradients.finished())


def _native(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, options: PixelOptions,
            needs: tuple[bool, bool, bool], losses: Tensor | None, grad_losses: Tensor | None) -> Totals:
    sums = native.cross_entropy(x, kernel_h, kernel_w, target, class_weight=options.class_weight,
                                ignore_index=options.ignore_index, max_loss=options.max_loss,
                                count_hits=options.count_hits, needs=needs, losses=losses, grad_losses=grad_losses)
    check_range(sums.lowest_label, sums.highest_label, x.shape[1], options.ignore_index)
    return Totals(*x.new_tensor(sums[:3]).unbind(), *sums.gradients)


def _count_hits(softmax: BandSoftmax, tiled: TiledScores, band: Band) -> Tensor:
    hit, tied = softmax.hits()
    if tied.any():
        for tile in tiled.tiles(band):
            softmax.break_ties(hit, tied, tile.scores, tile.rows)
    return hit.sum()


class _Gradients:
    """Gathers the gradients of x, kernel_h and kernel_w; those not needed stay ``None``."""

    def __init__(self, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, needs: tuple[bool, bool, bool]) -> None:
        precise = sum_dtype(kernel_h.dtype)
        self.kernel_h, self.kernel_w = kernel_h, kernel_w
        self.x = torch.zeros_like(x, dtype=precise).permute(2, 1, 0, 3).contiguous() if needs[0] else None
        self.h = torch.zeros_like(kernel_h, dtype=precise) if needs[1] else None
        self.w = torch.zeros_like(kernel_w, dtype=precise).t().contiguous() if needs[2] else None
        self.rows = None  # of the gradient, for the present band

    def begin(self, band: Band) -> None:
        """Make room for the gradient of a band's rows."""
        if self.x is not None or self.h is not None:
            self.rows = torch.empty_like(band.scored_rows)

    def add(self, tile: Tile, grad_scores: Tensor | None) -> None:
        """Take up the gradient of a tile's scores, shape (R, C, n * W)."""
        if grad_scores is None:
            return
        grad_scores = grad_scores.view(-1, len(self.kernel_w)).to(self.kernel_w.dtype)
        if self.w is not None:
            _add_product(self.w, tile.scored_rows.t(), grad_scores)
        if self.rows is not None:
            torch.mm(grad_scores, self.kernel_w, out=self.rows[tile.rows].view(tile.scored_rows.shape))

    def end(self, band: Band) -> None:
        """Multiply the gradient of a band's rows back to the coarse size."""
        if self.h is not None:
            _add_product(self.h[band.rows], self.rows, band.coarse.t())
        if self.x is not None:
            grad_x = self.x[:, :, band.images]
            grad_x += _precise_product(self.kernel_h[band.rows].t(), self.rows, grad_x.dtype).view(grad_x.shape)

    def finished(self) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """The sums; the matrices met scores to base 2, which the factor makes up for."""
        return (None if self.x is None else self.x.permute(2, 1, 0, 3),
                None if self.h is None else self.h.mul_(_LN_2),
                None if self.w is None else self.w.mul_(_LN_2).t())


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    if total.dtype == left.dtype:
        total.addmm_(left, right)
    else:
        total += _precise_product(left, right, total.dtype)


def _precise_product(left: Tensor, right: Tensor, dtype: torch.dtype) -> Tensor:
    """A product whose sums, over pixels and not yet divided by their number, can be too large for float16."""
    if left.is_cuda and left.dtype != dtype and _MIXED_PRODUCTS:
        return torch.mm(left, right, out_dtype=dtype)
    if left.dtype == torch.float16:
        return torch.mm(left.to(dtype), right.to(dtype))
    return torch.mm(left, right)


def _bound(band: Band, kernel_w: Tensor) -> float:
    """What no score exceeds in size. On other devices than the CPU asking would wait for all work under way."""
    if kernel_w.device.type != 'cpu' or not band.scored_rows.numel():
        return math.inf
    lowest, highest = band.scored_rows.aminmax()
    return max(-float(lowest), float(highest)) * float(kernel_w.abs().sum(1).max())
