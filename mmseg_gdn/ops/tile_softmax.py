"""Softmax cross-entropy of one tile of scores."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from mmseg_gdn.utils import InputError

from .precision import sum_dtype

_LN_2 = math.log(2)
# Scores to base 2 up to here are exponentiated as they are, whatever the pixel's largest: no sum over classes and no
# quotient of two exponentials leaves the range of float32.
_SAFE_SCORE = 50


class PixelOptions(NamedTuple):
    """What decides about the value of a pixel.

    Attributes:
        class_weight: Weight of each class, shape (C,), or ``None``.
        ignore_index: Label of pixels that do not count.
        max_loss: Largest loss of a pixel; the gradient knows nothing of it.
        count_hits: Whether pixels whose best class is the label's are counted.
    """

    class_weight: Tensor | None = None
    ignore_index: int = 255
    max_loss: float | None = None
    count_hits: bool = False


class Pixels(NamedTuple):
    """Results of a tile.

    Attributes:
        losses: Weighted loss of each pixel, shape (R, n, W).
        sums: Of the losses, of the weights, and of the pixels whose best class is the label's; shape (3,).
        grad_scores: Gradient of the losses, shape (R, C, n, W); in the memory of the scores if it can be.
    """

    losses: Tensor
    sums: Tensor
    grad_scores: Tensor | None


def softmax_tile(scores: Tensor, labels: Tensor, options: PixelOptions, *, with_gradient: bool,
                 factor: Tensor | None = None, largest: float = math.inf) -> Pixels:
    """Cross-entropy of scores to base 2 (the usual ones times log2(e)) and its gradient.

    The label's class is taken out of the sum over the classes and added in at the end: the gradient of a pixel that
    is nearly right and its small loss come out to full precision, and whether the label's class is the best one
    needs no second look at the scores.

    Args:
        scores: Shape (R, C, n, W); spoilt.
        labels: Class indices, shape (R, n, W).
        options: What decides about the value of a pixel.
        with_gradient: Whether the gradient is wanted (with respect to the usual scores).
        factor: Gradient with respect to each pixel's loss, shape (R, n, W); ones when not given.
        largest: A bound of the scores' sizes, if one is known.

    Returns:
        Losses, sums and gradient, in float32 at least.

    Raises:
        InputError: If a label is out of range.
    """
    scores = scores.to(sum_dtype(scores.dtype))
    labels, valid = _valid_labels(labels, scores.shape[1], options.ignore_index)
    weights = _weights(labels, valid, options.class_weight, scores.dtype)
    index = labels.unsqueeze(1)

    own = scores.gather(1, index)
    scores.scatter_(1, index, -math.inf)
    needs_shift = largest > _SAFE_SCORE
    rival = scores.amax(1, keepdim=True) if needs_shift or options.count_hits else None
    hits = _hits(scores, own, rival, index, valid) if options.count_hits else own.new_zeros(())
    if needs_shift:
        shift = torch.maximum(own, rival)
        scores.sub_(shift)
        own = own - shift
    others = torch.exp2(scores, out=scores).sum(1, keepdim=True)
    own_part = torch.exp2(own)
    total = others + own_part

    losses = (total.log2() - own) * _LN_2 if needs_shift else torch.log1p(others / own_part)
    losses = losses.squeeze(1).masked_fill_(~valid, 0)
    if options.max_loss is not None:
        losses.clamp_(max=options.max_loss)
    if options.class_weight is not None:
        losses.mul_(weights)
    sums = torch.stack((losses.sum(), weights.sum(), hits))
    if not with_gradient:
        return Pixels(losses, sums, None)

    factors = (weights if factor is None else weights * factor).unsqueeze(1) / total
    scores.mul_(factors)
    scores.scatter_(1, index, others.neg_().mul_(factors))
    return Pixels(losses, sums, scores)


def _valid_labels(labels: Tensor, classes: int, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Labels with ignored ones replaced by 0, and where they are not ignored."""
    valid = labels != ignore_index
    labels = labels.masked_fill(~valid, 0)
    # On other devices a look at the values would wait for all work under way; there gather checks them itself.
    if labels.device.type == 'cpu' and labels.numel():
        lowest, highest = labels.aminmax()
        if lowest < 0 or highest >= classes:
            wrong = int(lowest if lowest < 0 else highest)
            raise InputError(f'The target holds the label {wrong}, but there are scores for {classes} classes; labels '
                             f'are 0 to {classes - 1} or ignore_index={ignore_index}.')
    return labels, valid


def _weights(labels: Tensor, valid: Tensor, class_weight: Tensor | None, dtype: torch.dtype) -> Tensor:
    if class_weight is None:
        return valid.to(dtype)
    return class_weight.to(dtype)[labels].mul_(valid)


def _hits(scores: Tensor, own: Tensor, rival: Tensor, index: Tensor, valid: Tensor) -> Tensor:
    """How many valid pixels have their label as ``argmax`` of the scores: of equals the lowest class wins."""
    hit = own > rival
    tied = (own == rival).squeeze(1)
    if tied.any():
        first_rival = (scores == rival).movedim(1, -1)[tied].int().argmax(-1)
        hit.squeeze(1)[tied] = index.squeeze(1)[tied] < first_rival
    return (hit.squeeze(1) & valid).sum().to(own.dtype)
