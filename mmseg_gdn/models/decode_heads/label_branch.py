"""The classification branch of the GDN paper: which classes are in the image, predicted from the coarse scores."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmseg_gdn.models.losses import build_label_losses, count_labels, label_losses
from mmseg_gdn.utils import InputError

from .optional_weights import OptionalWeights

Size = tuple[int, int]
POOLS = {'avg': nn.AdaptiveAvgPool2d, 'max': nn.AdaptiveMaxPool2d}


class LabelBranch(OptionalWeights, BaseModule):
    """Predicts image-level logits from coarse scores, with one hidden layer (lower part of the GDN paper's figure).

    The figure shows a dense layer of 256 on the score map and 20 predictions, without background. It does not show the
    activation, the loss and its weight; ReLU and :class:`MultiLabelAuxLoss` are used here.

    Args:
        in_channels: Channels C of the score maps.
        num_classes: Number of segmentation classes.
        in_size: Height and width (h, w) of the score maps trained on.
        hidden_channels: Width of the hidden layer.
        pool: ``'flatten'``: the scores are flattened for a dense layer, as in the figure; smaller maps are padded with
            zeros at the bottom and on the right, which corresponds to slicing the matrices. ``'avg'`` or ``'max'``: a
            1x1 convolution, pooled over the map, for maps of any size.
        with_background: Whether class 0 is predicted as well. Set it for data without a background class, such as
            Cityscapes and ADE20K.
        loss_decode: One or more losses on image-level logits and masks.
        init_cfg: Initialisation; PyTorch's own when not given.

    Raises:
        InputError: If ``pool`` is unknown, if ``with_background`` of branch and loss disagree, or if there is no class
            to predict.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        in_size: Size,
        *,
        hidden_channels: int = 256,
        pool: str = 'flatten',
        with_background: bool = False,
        loss_decode: dict | list[dict] = dict(type='MultiLabelAuxLoss'),  # noqa: B006 (never changed)
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.with_background = with_background
        self.losses = build_label_losses(loss_decode, with_background)
        num_labels = count_labels(num_classes, with_background)
        if pool == 'flatten':
            hidden = [_PadTo(in_size), nn.Flatten(), nn.Linear(in_channels * in_size[0] * in_size[1], hidden_channels)]
            pooled = []
        elif pool in POOLS:
            hidden = [nn.Conv2d(in_channels, hidden_channels, 1)]
            pooled = [POOLS[pool](1), nn.Flatten()]
        else:
            raise InputError(f"label_branch.pool must be 'flatten', 'avg' or 'max', but got {pool!r}.")
        self.layers = nn.Sequential(*hidden, nn.ReLU(), *pooled, nn.Linear(hidden_channels, num_labels))

    def forward(self, scores: Tensor) -> Tensor:
        """Image-level logits.

        Args:
            scores: Coarse scores, shape (N, C, h, w).

        Returns:
            Logits, shape (N, K): K = num_classes - 1, or num_classes with background.

        Raises:
            InputError: If the map is larger than ``in_size`` and ``pool`` is ``'flatten'``.
        """
        return self.layers(scores)

    def predict_labels(self, scores: Tensor) -> Tensor | None:
        """Image-level logits of a trained branch.

        Args:
            scores: Coarse scores, shape (N, C, h, w).

        Returns:
            Logits, shape (N, K); ``None`` if the checkpoint had no weights for the branch, or if the map is larger than
            ``in_size`` and ``pool`` is ``'flatten'``.
        """
        first = self.layers[0]
        is_too_large = isinstance(first, _PadTo) and not first.fits(scores)
        return None if self.lacks_weights or is_too_large else self(scores)

    def loss(self, scores: Tensor, masks: Tensor, ignore_index: int) -> dict[str, Tensor]:
        """Losses of image-level logits against the classes found in the masks.

        Args:
            scores: Coarse scores, shape (N, C, h, w).
            masks: Class indices, shape (N, H, W).
            ignore_index: Label of void pixels.

        Returns:
            Losses by name.
        """
        self.lacks_weights = False
        return label_losses(self.losses, self(scores), masks, ignore_index)


class _PadTo(nn.Module):
    """Pads maps smaller than ``size`` with zeros at the bottom and on the right."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size

    def fits(self, x: Tensor) -> bool:
        return x.shape[2] <= self.size[0] and x.shape[3] <= self.size[1]

    def forward(self, x: Tensor) -> Tensor:
        if not self.fits(x):
            raise InputError(
                f'The label branch was made for {self.size[0]}x{self.size[1]} score maps, but got '
                f"{x.shape[2]}x{x.shape[3]}; set label_branch.pool to 'avg' or 'max' for maps of any "
                'size, or in_size to the size of the largest map.'
            )
        return F.pad(x, (0, self.size[1] - x.shape[3], 0, self.size[0] - x.shape[2]))

    def extra_repr(self) -> str:
        return f'size={self.size}'
