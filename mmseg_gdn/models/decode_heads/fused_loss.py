"""Losses that can be computed from coarse scores and the two matrices, without full-size scores."""

from __future__ import annotations

from typing import Callable

import torch
from mmseg.models.losses import CrossEntropyLoss
from torch import Tensor, nn

from mmseg_gdn.models.losses import CaffeSoftmaxLoss
from mmseg_gdn.models.losses.caffe_softmax_loss import MAX_LOSS
from mmseg_gdn.ops import CrossEntropySums, cross_entropy_sums
from mmseg_gdn.ops.checks import valid_pixels

FusedLoss = Callable[..., 'tuple[Tensor, Tensor]']


def find_fused_loss(loss_decode: nn.Module) -> FusedLoss | None:
    """The fused form of a configured loss, if it has one.

    Args:
        loss_decode: ``loss_decode`` of a head.

    Returns:
        A function of coarse scores (N, C, h, w), the two matrices (H, h) and (W, w), labels (N, H, W) and
        ``ignore_index``, which returns the loss and the accuracy in percent; ``None`` if the loss needs full-size
        scores. mmseg's softmax cross-entropy (``reduction`` 'mean' or 'sum', with or without class weights) and
        :class:`CaffeSoftmaxLoss` have a fused form.
    """
    if type(loss_decode) is CrossEntropyLoss:
        return _fused_cross_entropy(loss_decode)
    if type(loss_decode) is CaffeSoftmaxLoss:
        return _fused_caffe_softmax(loss_decode)
    return None


def _fused_cross_entropy(loss: CrossEntropyLoss) -> FusedLoss | None:
    if loss.use_sigmoid or loss.use_mask or loss.reduction not in ('mean', 'sum'):
        return None

    def fused(
        scores: Tensor, kernel_h: Tensor, kernel_w: Tensor, labels: Tensor, ignore_index: int
    ) -> tuple[Tensor, Tensor]:
        weight = None if loss.class_weight is None else scores.new_tensor(loss.class_weight, dtype=torch.float32)
        sums = cross_entropy_sums(scores, kernel_h, kernel_w, labels, weight=weight, ignore_index=ignore_index)
        total = sums.loss if loss.reduction == 'sum' else sums.loss / _divisor(loss, sums, labels)
        return loss.loss_weight * total, _accuracy(sums, labels, ignore_index)

    return fused


def _divisor(loss: CrossEntropyLoss, sums: CrossEntropySums, labels: Tensor) -> Tensor | int:
    # mmseg looks up a class weight for void pixels too, and fails because there is none; here they weigh nothing.
    if loss.avg_non_ignore or loss.class_weight is not None:
        return sums.weight.clamp(min=torch.finfo(torch.float32).eps)
    return labels.numel()


def _fused_caffe_softmax(loss: CaffeSoftmaxLoss) -> FusedLoss:

    def fused(
        scores: Tensor, kernel_h: Tensor, kernel_w: Tensor, labels: Tensor, ignore_index: int
    ) -> tuple[Tensor, Tensor]:
        sums = cross_entropy_sums(scores, kernel_h, kernel_w, labels, ignore_index=ignore_index, max_loss=MAX_LOSS)
        value = loss.loss_weight * sums.loss / loss.divisor(labels, ignore_index)
        return value, _accuracy(sums, labels, ignore_index)

    return fused


def _accuracy(sums: CrossEntropySums, labels: Tensor, ignore_index: int) -> Tensor:
    return 100 * sums.hits / valid_pixels(labels, ignore_index).sum().clamp(min=1)
