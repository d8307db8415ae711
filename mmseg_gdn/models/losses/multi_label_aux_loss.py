"""Multi-label classification loss with targets from the segmentation mask."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_gdn.ops.checks import valid_pixels
from mmseg_gdn.utils import InputError


@MODELS.register_module()
class MultiLabelAuxLoss(nn.Module):
    """Sigmoid cross-entropy on "which classes are in the image" (GDN paper, multi-label loss).

    Args:
        normalization: ``'mean'`` averages over images and classes; ``'caffe'`` divides the sum by the number of
            images, as Caffe's SigmoidCrossEntropyLossLayer does.
        with_background: Whether class 0 takes part.
        min_share: Smallest share of an image's valid pixels, in [0, 1), for which a class counts as present; with 0,
            one pixel is enough.
        pool: How segmentation logits (N, C, H, W) become image-level logits: ``'avg'`` or ``'max'``.
        loss_weight: Factor of the loss.
        loss_name: Name in the log; begins with ``loss_`` if it is to be part of the total.

    Raises:
        InputError: If an argument is invalid.
    """

    def __init__(
        self,
        normalization: Literal['mean', 'caffe'] = 'mean',
        with_background: bool = False,
        min_share: float = 0.0,
        pool: Literal['avg', 'max'] = 'avg',
        loss_weight: float = 1.0,
        loss_name: str = 'loss_mlc',
    ) -> None:
        super().__init__()
        if normalization not in ('mean', 'caffe'):
            raise InputError(f"normalization must be 'mean' or 'caffe', but got {normalization!r}.")
        if pool not in ('avg', 'max'):
            raise InputError(f"pool must be 'avg' or 'max', but got {pool!r}.")
        if not 0 <= min_share < 1:
            raise InputError(f'min_share must be a share of the pixels in [0, 1), but got {min_share}.')
        self.normalization = normalization
        self.with_background = with_background
        self.min_share = min_share
        self.pool = pool
        self.loss_weight = loss_weight
        self._loss_name = loss_name

    @property
    def loss_name(self) -> str:
        """Name of this loss in mmseg's log."""
        return self._loss_name

    def forward(
        self, cls_score: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255
    ) -> Tensor:
        """The loss.

        Args:
            cls_score: Image-level logits (N, K), without background unless ``with_background``; or segmentation logits
                (N, C, H, W) of all classes, which are pooled first.
            label: Masks (N, H, W) of class indices; or image-level labels (N, K) of 0 and 1, if they are known.
            weight: Pixel weights, which mmseg passes to every loss; they are ignored.
            ignore_index: Label of void pixels.

        Returns:
            Scalar loss.

        Raises:
            InputError: If the shapes do not match, if there is no class to predict, or if a mask holds an index that is
                not a class.
        """
        first_class = 0 if self.with_background else 1
        logits = self._image_logits(cls_score, first_class)
        if not logits.shape[1]:
            raise InputError(
                f'MultiLabelAuxLoss got logits of shape {tuple(cls_score.shape)}, in which no class is left beside the '
                'background; set with_background=True, or leave out the loss.'
            )
        targets = self._targets(label, logits, first_class, ignore_index)
        # The sum over classes soon exceeds half precision, so the loss is always computed in full precision.
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits if logits.dtype == torch.float64 else logits.float()
            total = F.binary_cross_entropy_with_logits(logits, targets.to(logits), reduction='sum')
        divisor = logits.shape[0] if self.normalization == 'caffe' else logits.numel()
        return self.loss_weight * total / divisor

    def _targets(self, label: Tensor, logits: Tensor, first_class: int, ignore_index: int) -> Tensor:
        if label.shape == logits.shape:
            return label
        if label.dim() != 3 or label.shape[0] != logits.shape[0]:
            raise InputError(
                f'MultiLabelAuxLoss takes masks (N, H, W) or labels (N, K) for logits of shape '
                f'{tuple(logits.shape)}, but got {tuple(label.shape)}.'
            )
        num_classes = first_class + logits.shape[1]
        return image_labels(label, num_classes, ignore_index, self.min_share)[:, first_class:]

    def _image_logits(self, cls_score: Tensor, first_class: int) -> Tensor:
        if cls_score.dim() == 2:
            return cls_score
        if cls_score.dim() != 4:
            raise InputError(
                'MultiLabelAuxLoss takes image-level logits (N, K) or segmentation logits '
                f'(N, C, H, W), but got shape {tuple(cls_score.shape)}.'
            )
        flat = cls_score[:, first_class:].flatten(2)
        return flat.mean(2) if self.pool == 'avg' else flat.amax(2)


def image_labels(mask: Tensor, num_classes: int, ignore_index: int = 255, min_share: float = 0.0) -> Tensor:
    """Which classes are in each image.

    Args:
        mask: Class indices, shape (N, H, W).
        num_classes: Number of classes, background included.
        ignore_index: Index of void pixels.
        min_share: Smallest share of the valid pixels for which a class counts as present.

    Returns:
        1.0 for each class present and 0.0 otherwise, shape (N, num_classes), float32.

    Raises:
        InputError: If the mask holds an index that is neither a class nor ``ignore_index``. This is checked on the CPU
            only, because a GPU would have to wait for it; there, PyTorch's own check of indices reports such a mask.
    """
    mask = mask.long()
    valid = valid_pixels(mask, ignore_index)
    if mask.device.type == 'cpu':
        _check_values(mask[valid], num_classes, ignore_index)
    # Void pixels count as a class of their own, which is dropped at the end.
    index = mask.where(valid, num_classes)
    # Row by row: on a GPU, all pixels of an image would wait for each other to count in the same few places.
    rows = torch.zeros(*mask.shape[:2], num_classes + 1, device=mask.device)
    counts = rows.scatter_add_(2, index, torch.ones_like(rows[:1, :1, :1]).expand_as(index)).sum(1)[:, :num_classes]
    enough = valid.sum((1, 2))[:, None] * min_share
    return ((counts > 0) & (counts >= enough)).float()


def _check_values(labels: Tensor, num_classes: int, ignore_index: int) -> None:
    unknown = labels[(labels < 0) | (labels >= num_classes)]
    if unknown.numel():
        raise InputError(
            f'The mask holds the value {int(unknown[0])}, but only 0..{num_classes - 1} and '
            f'{ignore_index} (void) are labels; correct the mask or set num_classes.'
        )
