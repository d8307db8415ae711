"""The head of the golden nets, whose multi-label branch reads pooled fc7."""

from __future__ import annotations

from mmseg.registry import MODELS
from mmseg.utils import ConfigType, SampleList
from torch import Tensor

from mmseg_gdn.models import CaffeFCHead


@MODELS.register_module()
class BranchedFCHead(CaffeFCHead):
    """``CaffeFCHead`` with a ``MultiLabelHead`` on fc7 of the same forward pass.

    The golden nets were made before the paper's figure was found, in which the branch starts from the scores.

    Args:
        multi_label_head: Config of the ``MultiLabelHead``, without channels and classes.
        **kwargs: All arguments of ``CaffeFCHead``.
    """

    def __init__(self, multi_label_head: dict, **kwargs) -> None:
        super().__init__(**kwargs)
        self.multi_label_head = MODELS.build(
            dict(multi_label_head, type='MultiLabelHead', in_channels=self.channels, num_classes=self.num_classes)
        )

    def loss(
        self, inputs: tuple[Tensor, ...], batch_data_samples: SampleList, train_cfg: ConfigType
    ) -> dict[str, Tensor]:
        """Losses of the scores and of the branch."""
        fc7 = self.fc7_features(inputs)
        losses = self.loss_by_feat(self.conv_seg(fc7), batch_data_samples)
        return losses | self.multi_label_head.loss([fc7], batch_data_samples, train_cfg)
