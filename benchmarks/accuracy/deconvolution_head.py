"""What global interpolation is compared with: FCN's learned deconvolution."""

from __future__ import annotations

from mmseg.models import FCNHead
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor, nn

from mmseg_gdn.models.decode_heads.caffe_fc_head import bilinear_filter
from mmseg_gdn.models.decode_heads.sizes import input_size, label_size


@MODELS.register_module()
class DeconvolutionHead(FCNHead):
    """An FCN head whose scores are upsampled by a transposed convolution that starts as bilinear interpolation.

    As in Long et al. (CVPR 2015): a dense filter of twice the stride's size from all classes to all classes.

    Args:
        stride: Output stride of the scores.
        **kwargs: See ``FCNHead``.
    """

    def __init__(self, stride: int, **kwargs) -> None:
        super().__init__(**kwargs)
        # Without random start values: drawing them would give the last convolution others than the heads compared with.
        self.deconv = nn.utils.skip_init(
            nn.ConvTranspose2d, self.out_channels, self.out_channels, 2 * stride, stride, stride // 2, bias=False
        )
        start = bilinear_filter(2 * stride)
        nn.init.zeros_(self.deconv.weight)
        for index in range(self.out_channels):
            self.deconv.weight.data[index, index] = start

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Losses at the size of the labels."""
        return super().loss_by_feat(self._upsample(seg_logits, label_size(batch_data_samples)), batch_data_samples)

    def predict_by_feat(self, seg_logits: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Scores at the size of the network's input, shape (N, C, H, W)."""
        return super().predict_by_feat(self._upsample(seg_logits, input_size(batch_img_metas)), batch_img_metas)

    def _upsample(self, scores: Tensor, size: tuple[int, int]) -> Tensor:
        return self.deconv(scores)[:, :, : size[0], : size[1]]
