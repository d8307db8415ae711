"""Softmax cross-entropy as Caffe computes it."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_gdn.ops.checks import valid_pixels
from mmseg_gdn.utils import InputError

_NORMALIZATIONS = ('full', 'valid', 'batch_size', 'none')
MAX_LOSS = -math.log(torch.finfo(torch.float32).tiny)


@MODELS.register_module()
class CaffeSoftmaxLoss(nn.Module):
    """Softmax cross-entropy summed over pixels and divided as Caffe's SoftmaxWithLossLayer does.

    mmseg's ``CrossEntropyLoss`` has neither its divisors (at least 1, so that void images give 0) nor its
    floor: a pixel's loss is at most ``-log(FLT_MIN)``, about 87.3, and its gradient softmax minus one-hot
    even there. Caffe adds the pixels up one by one in float32, which makes its own value up to 5e-4 too high on
    large maps; this one is closer to the true sum. Gradients do not depend on the sum.

    Args:
        normalization: What the sum is divided by (``LossParameter.normalization`` in lower case): ``'full'``,
            all pixels; ``'valid'``, those that are not void; ``'batch_size'``, the number of images;
            ``'none'``, nothing.
        normalize: Caffe's older field, used only if ``normalization`` is not given: true is ``'valid'``, the default,
            and false is ``'batch_size'``.
        loss_weight: Factor of the loss.
        loss_name: Name in the log; begins with ``loss_`` if it is to be part of the total.

    Raises:
        InputError: If ``normalization`` is unknown.

    Example:
        >>> loss = CaffeSoftmaxLoss(normalize=False)
        >>> loss(torch.zeros(2, 21, 4, 5), torch.zeros(2, 4, 5, dtype=torch.long))
        tensor(60.8904)
    """

    def __init__(
        self,
        normalization: Literal['full', 'valid', 'batch_size', 'none'] | None = None,
        normalize: bool | None = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__()
        if normalization is None:
            normalization = 'batch_size' if normalize is False else 'valid'
        if normalization not in _NORMALIZATIONS:
            raise InputError(
                f'normalization must be one of {", ".join(map(repr, _NORMALIZATIONS))}, but got {normalization!r}.'
            )
        self.normalization = normalization
        self.loss_weight = loss_weight
        self._loss_name = loss_name

    @property
    def loss_name(self) -> str:
        """Name of this loss in mmseg's log."""
        return self._loss_name

    def forward(
        self, cls_score: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255
    ) -> Tensor:
        """The loss, in at least float32.

        Args:
            cls_score: Scores, shape (N, C, H, W).
            label: Class indices, shape (N, H, W).
            weight: Factor of each pixel's loss, shape (N, H, W), from mmseg's samplers. Caffe has no such weights, so
                the divisor ignores them.
            ignore_index: Label of void pixels.

        Returns:
            Scalar loss.

        Raises:
            InputError: If the shapes do not match.
        """
        if label.shape != cls_score.shape[:1] + cls_score.shape[2:]:
            raise InputError(
                'CaffeSoftmaxLoss takes scores (N, C, H, W) and labels (N, H, W), but got '
                f'{tuple(cls_score.shape)} and {tuple(label.shape)}.'
            )
        scores = cls_score.to(torch.promote_types(cls_score.dtype, torch.float32))
        losses = F.cross_entropy(scores, label.long(), reduction='none', ignore_index=ignore_index)
        # Caffe floors the probability in the forward pass only; its gradient ignores the floor.
        losses = losses.detach().clamp(max=MAX_LOSS) + (losses - losses.detach())
        if weight is not None:
            losses = losses * weight
        return self.loss_weight * losses.sum() / self.divisor(label, ignore_index)

    def divisor(self, label: Tensor, ignore_index: int) -> int | Tensor:
        """What the sum over pixels is divided by, for labels of shape (N, H, W)."""
        if self.normalization == 'valid':
            return valid_pixels(label, ignore_index).sum().clamp(min=1)
        return {'full': label.numel(), 'batch_size': label.shape[0], 'none': 1}[self.normalization]
