"""Caffe's SoftmaxWithLoss layer as a loss of mmseg."""

from __future__ import annotations

import math
from typing import Literal, Optional

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

Normalization = Literal['full', 'valid', 'batch_size', 'none']

_LARGEST_LOSS = -math.log(torch.finfo(torch.float32).tiny)  # the layer floors probabilities at FLT_MIN


@MODELS.register_module()
class CaffeSoftmaxLoss(nn.Module):
    """Softmax cross-entropy with the normalisations and limits of Caffe's SoftmaxWithLossLayer.

    The sum over pixels is divided by, according to Caffe's ``loss_param { normalization }``: ``'full'``, all pixels of
    all images; ``'valid'`` (Caffe's default), those that are not void; ``'batch_size'``, images; ``'none'``, 1.
    The divisor is at least 1. Probabilities are floored at FLT_MIN in the value, not in the gradient.

    Args:
        normalization: As above; wins over ``normalize``.
        normalize: Caffe's older switch: ``True`` is 'valid', ``False`` is 'batch_size' (not a bare sum).
        loss_weight: Factor of the loss.
        loss_name: Name in the log.

    Raises:
        ValueError: If ``normalization`` is unknown.
    """

    def __init__(self,
                 normalization: Optional[Normalization] = None,
                 normalize: bool = True,
                 loss_weight: float = 1.0,
                 loss_name: str = 'loss_ce') -> None:
        super().__init__()
        if normalization not in (None, 'full', 'valid', 'batch_size', 'none'):
            raise ValueError("normalization is 'full', 'valid', 'batch_size' or 'none', "
                             f'but got {normalization!r}.')
        self.normalization = normalization or ('valid' if normalize else 'batch_size')
        self.loss_weight = loss_weight
        self._loss_name = loss_name

    @property
    def loss_name(self) -> str:
        """Name of this loss in mmseg's log."""
        return self._loss_name

    def forward(self, cls_score: Tensor, label: Tensor, weight: Optional[Tensor] = None,
                ignore_index: int = 255) -> Tensor:
        """The loss.

        Args:
            cls_score: Scores, shape (N, C, H, W).
            label: Class indices, shape (N, H, W).
            weight: Pixel weights, which Caffe's layer does not know.
            ignore_index: Label of void pixels.

        Returns:
            Scalar loss, at least in float32.

        Raises:
            ValueError: If pixel weights are given.
        """
        if weight is not None:
            raise ValueError("CaffeSoftmaxLoss knows no pixel weights; remove the head's sampler or use mmseg's "
                             'CrossEntropyLoss.')
        if cls_score.dtype in (torch.float16, torch.bfloat16):
            cls_score = cls_score.float()
        losses = F.cross_entropy(cls_score, label, ignore_index=ignore_index, reduction='none')
        floored = losses + (losses.clamp(max=_LARGEST_LOSS) - losses).detach()
        return self.loss_weight * floored.sum() / self._divisor(label, ignore_index)

    def _divisor(self, label: Tensor, ignore_index: int) -> Tensor | int:
        if self.normalization == 'valid':
            return (label != ignore_index).sum().clamp(min=1)
        return {'full': label.numel(), 'batch_size': label.shape[0], 'none': 1}[self.normalization]
