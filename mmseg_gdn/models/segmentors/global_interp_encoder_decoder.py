"""Predictions from coarse scores: no full-size scores are made, and none are resized."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import OptSampleList, SampleList
from torch import Tensor

from mmseg_gdn.models.decode_heads import GlobalInterpHead
from mmseg_gdn.ops import global_interp_argmax


def skip_full_size_scores(model: dict) -> None:
    """Let a model's config, if it can be, build a segmentor that finds classes without full-size scores.

    Args:
        model: Config of a segmentor; changed in place if it is an ``EncoderDecoder`` with a ``GlobalInterpHead``.
    """
    if model['type'] == 'EncoderDecoder' and model['decode_head'].get('type') == 'GlobalInterpHead':
        model['type'] = 'GlobalInterpEncoderDecoder'


@MODELS.register_module()
class GlobalInterpEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` whose predictions hold classes but no ``seg_logits``, and need a fraction of the time.

    What mmseg does with full-size scores before it takes the best class (cutting off padding, flipping back, the
    bilinear resize to the image's size) is linear along rows and columns, so it is done to the two matrices instead:
    ``argmax(R_h K_h x (R_w K_w)^T)``. Heads that make their predictions in another way, and sliding windows, whose
    scores overlap, go mmseg's way, and so does every model with ``test_cfg=dict(keep_seg_logits=True)``.
    """

    def predict(self, inputs: Tensor, data_samples: OptSampleList = None) -> SampleList:
        """Predict the class of each pixel.

        Args:
            inputs: Images, shape (N, 3, H, W).
            data_samples: Samples with the meta data of the images.

        Returns:
            The samples with ``pred_sem_seg`` at the size of each image.
        """
        if data_samples is None or not self._predicts_from_coarse():
            return super().predict(inputs, data_samples)
        head = self.decode_head
        metas = [sample.metainfo for sample in data_samples]
        scores, kernel_h, kernel_w = head.predict_coarse(self.extract_feat(inputs), metas)
        for sample, score in zip(data_samples, scores.split(1)):
            kernels = self._to_image(kernel_h, sample, 0), self._to_image(kernel_w, sample, 1)
            sample.pred_sem_seg = PixelData(data=global_interp_argmax(score, *kernels))
        return data_samples

    def _predicts_from_coarse(self) -> bool:
        head = self.decode_head
        return (isinstance(head, GlobalInterpHead) and head.predicts_from_coarse
                and self.test_cfg.get('mode', 'whole') == 'whole'
                and not self.test_cfg.get('keep_seg_logits', False))

    def _to_image(self, kernel: Tensor, sample: SegDataSample, axis: int) -> Tensor:
        """Rows of a matrix, which stand for pixels of the network's input, turned into those of the image."""
        padding = sample.get('img_padding_size', sample.get('padding_size', [0] * 4))
        before, after = (padding[2:], padding[:2])[axis]
        kernel = kernel[before:len(kernel) - after]
        if sample.get('flip') and sample.get('flip_direction') == ('vertical', 'horizontal')[axis]:
            kernel = kernel.flip(0)
        wanted = sample.ori_shape[axis]
        if len(kernel) == wanted:
            return kernel
        return F.interpolate(kernel.t()[None], size=wanted, mode='linear', align_corners=self.align_corners)[0].t()
