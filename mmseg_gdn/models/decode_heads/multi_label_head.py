"""Auxiliary head that predicts which classes are in the image."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor, nn

from mmseg_gdn.models.losses import count_labels, label_losses, share_background
from mmseg_gdn.utils import InputError

from .label_branch import POOLS
from .optional_weights import OptionalWeights


@MODELS.register_module()
class MultiLabelHead(OptionalWeights, BaseDecodeHead):
    """Global pooling and one linear layer: image-level logits from features of the backbone.

    It is an element of the model's ``auxiliary_head`` list, and predicted masks do not depend on it. The paper's own
    branch reads the coarse scores instead: ``label_branch`` of :class:`GlobalInterpHead`.

    Args:
        in_channels: Channels of the features; of each level if ``input_transform='resize_concat'`` joins several.
        num_classes: Number of segmentation classes, background included.
        pool: ``'avg'`` or ``'max'`` pooling over the whole map (Caffe: ``global_pooling`` with AVE or MAX).
        with_background: Whether class 0 is predicted as well. Set it for data without a background class, such as
            Cityscapes and ADE20K.
        dropout_ratio: Dropout before the linear layer.
        loss_decode: One or more losses on image-level logits and masks.
        init_cfg: Initialisation of the linear layer.
        **kwargs: ``in_index``, ``input_transform``, ``ignore_index``... of ``BaseDecodeHead``.

    Raises:
        InputError: If ``pool`` is unknown, if ``input_transform`` makes a list, if ``with_background`` of head and loss
            disagree, or if there is no class to predict.
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        num_classes: int,
        *,
        pool: str = 'avg',
        with_background: bool = False,
        dropout_ratio: float = 0.0,
        loss_decode: dict | list[dict] = dict(type='MultiLabelAuxLoss'),  # noqa: B006 (never changed)
        init_cfg: dict = dict(type='Normal', layer='Linear', std=0.01),  # noqa: B006
        **kwargs,
    ) -> None:
        if pool not in POOLS:
            raise InputError(f'pool must be one of {", ".join(map(repr, POOLS))}, but got {pool!r}.')
        if kwargs.get('input_transform') == 'multiple_select':
            raise InputError(
                "input_transform='multiple_select' hands on a list of features, but MultiLabelHead pools one; set "
                "input_transform='resize_concat', or in_index to one level."
            )
        super().__init__(
            in_channels,
            channels=in_channels if isinstance(in_channels, int) else sum(in_channels),
            num_classes=num_classes,
            dropout_ratio=0,
            loss_decode=share_background(loss_decode, with_background),
            init_cfg=init_cfg,
            **kwargs,
        )
        # The base class builds a pixel classifier from ``channels``, which this head does not use.
        del self.conv_seg
        self.with_background = with_background
        self.pool = POOLS[pool](1)
        self.dropout = nn.Dropout(dropout_ratio)
        self.fc = nn.Linear(self.in_channels, count_labels(num_classes, with_background))

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Image-level logits.

        Args:
            inputs: Feature maps of the backbone, each (N, C_i, h_i, w_i).

        Returns:
            Logits, shape (N, K): K = num_classes - 1, or num_classes with background.
        """
        features = self._transform_inputs(inputs)
        return self.fc(self.dropout(self.pool(features).flatten(1)))

    def predict_labels(self, inputs: tuple[Tensor, ...]) -> Tensor | None:
        """Image-level logits of a trained head.

        Args:
            inputs: Feature maps of the backbone, each (N, C_i, h_i, w_i).

        Returns:
            Logits, shape (N, K); ``None`` if the checkpoint had no weights for the head.
        """
        return None if self.lacks_weights else self(inputs)

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses of image-level logits (N, K) against the classes found in the masks."""
        self.lacks_weights = False
        masks = self._stack_batch_gt(batch_data_samples).squeeze(1)
        losses = self.loss_decode if isinstance(self.loss_decode, nn.ModuleList) else [self.loss_decode]
        return label_losses(losses, seg_logits, masks, self.ignore_index)
