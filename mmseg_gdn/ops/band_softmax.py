"""Softmax cross-entropy of a band of scores, of which one tile is seen at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from mmseg_gdn.utils import InputError

_LN_2 = math.log(2)
# Scores to base 2 up to here are exponentiated as they are, whatever the pixel's largest: neither a sum over classes
# nor a quotient of two exponentials leaves the range of float32.
_SAFE_SCORE = 50


class PixelOptions(NamedTuple):
    """What decides about the value of a pixel.

    Attributes:
        class_weight: Weight of each class, shape (C,), or ``None``.
        ignore_index: Label of pixels that do not count.
        max_loss: Largest loss of a pixel before its weight; the gradient knows nothing of it.
        count_hits: Whether pixels whose best class is the label's are counted.
    """

    class_weight: Tensor | None = None
    ignore_index: int = 255
    max_loss: float | None = None
    count_hits: bool = False


class BandSoftmax:
    """Takes scores to base 2 (the usual ones times log2(e)) tile by tile and gives their gradients.

    What concerns pixels only is done for the whole band, in fewer and longer steps. The label's class is taken out
    of the sum over the classes and added in at the end: so a nearly right pixel's small loss and gradient come out
    to full precision, and whether the label's class is the best one needs no second look at the scores.

    Args:
        labels: Class indices, shape (rows, n, W).
        classes: Number of classes C.
        options: What decides about the value of a pixel.
        dtype: Type of all results.
        largest_score: A bound of the scores' sizes.
        factor: Gradient with respect to each pixel's loss, shape (rows, n, W); ones when not given.

    Raises:
        InputError: If a label is out of range.
    """

    def __init__(self, labels: Tensor, classes: int, options: PixelOptions, dtype: torch.dtype,
                 largest_score: float, factor: Tensor | None = None) -> None:
        self.shape = labels.shape
        self.options = options
        labels = labels.reshape(len(labels), 1, -1)
        self.valid = labels != options.ignore_index
        self.labels = labels.long() * self.valid
        # On other devices a look at the values would wait for all work under way; there gather checks them itself.
        if labels.device.type == 'cpu' and labels.numel():
            check_range(*(int(bound) for bound in self.labels.aminmax()), classes, options.ignore_index)
        self.weights = self.valid.to(dtype)
        if options.class_weight is not None:
            self.weights *= options.class_weight.to(dtype)[self.labels]
        self.factors = self.weights if factor is None else self.weights * factor.reshape(labels.shape)
        self.needs_shift = largest_score > _SAFE_SCORE
        self.own = torch.empty_like(self.weights)
        self.others = torch.empty_like(self.weights)
        self.rival = torch.empty_like(self.weights) if self.needs_shift or options.count_hits else None

    def take(self, scores: Tensor, rows: slice, with_gradient: bool) -> Tensor | None:
        """Take in a tile's scores.

        Args:
            scores: Shape (R, C, n * W); spoilt.
            rows: Which rows of the band they are.
            with_gradient: Whether the gradient is wanted.

        Returns:
            Gradient of the losses with respect to the usual scores, in the memory of ``scores``.
        """
        labels, others = self.labels[rows], self.others[rows]
        own = torch.gather(scores, 1, labels, out=self.own[rows])
        scores.scatter_(1, labels, -math.inf)
        if self.rival is not None:
            rival = torch.amax(scores, 1, keepdim=True, out=self.rival[rows])
        if self.needs_shift:
            shift = torch.maximum(own, rival)
            for shifted in (scores, own, rival):
                shifted.sub_(shift)
        torch.sum(torch.exp2(scores, out=scores), 1, keepdim=True, out=others)
        if not with_gradient:
            return None
        factors = self.factors[rows] / torch.exp2(own).add_(others)
        scores.mul_(factors)
        return scores.scatter_(1, labels, factors.mul_(others).neg_())

    def losses(self) -> Tensor:
        """Weighted loss of each pixel, shape (rows, n, W)."""
        # Of the odds against the label the logarithm of one plus them, as softplus has it but ten times as fast.
        log_odds = self.others.log2().sub_(self.own)
        losses = log_odds.abs().neg_().exp2_().add_(1).log2_().add_(log_odds.clamp_(min=0)).mul_(_LN_2)
        if self.options.max_loss is not None:
            losses.clamp_(max=self.options.max_loss)
        # An ignored pixel counts nothing even if its scores are no numbers.
        losses = losses.mul_(self.weights) if self.options.class_weight is not None else losses
        return losses.masked_fill_(~self.valid, 0).view(self.shape)

    def hits(self) -> tuple[Tensor, Tensor]:
        """Where a valid pixel's label is its best class, and where another class is as good; (rows, 1, n * W)."""
        return (self.own > self.rival).logical_and_(self.valid), (self.own == self.rival).logical_and_(self.valid)

    def break_ties(self, hit: Tensor, tied: Tensor, scores: Tensor, rows: slice) -> None:
        """Correct ``hit`` where ``tied``: of equal scores the lowest class is the best, as for ``argmax``."""
        where = tied[rows].squeeze(1)
        best = scores.movedim(1, -1)[where].argmax(-1)
        hit[rows].squeeze(1)[where] = best == self.labels[rows].squeeze(1)[where]


def check_range(lowest: int, highest: int, classes: int, ignore_index: int) -> None:
    """Raise an :class:`InputError` if the extreme labels are no classes."""
    if lowest < 0 or highest >= classes:
        raise InputError(f'The target holds the label {lowest if lowest < 0 else highest}, but there are scores for '
                         f'{classes} classes; labels are 0 to {classes - 1} or ignore_index={ignore_index}.')
