"""Predictions at the size of the network's input, as in the authors' inference."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import OptSampleList
from torch import Tensor


@MODELS.register_module()
class CaffeEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` that chooses classes at the size of the network's input.

    mmseg first resizes the scores to the size of the image. The two differ only for images that were shrunk before;
    here their labels are enlarged by nearest neighbour, the way the images were shrunk.
    """

    def postprocess_result(self, seg_logits: Tensor, data_samples: OptSampleList = None) -> list:
        """Labels at the size of each image, and scores at the size of the network's input.

        Args:
            seg_logits: Scores, shape (N, C, H, W).
            data_samples: Samples with ``img_shape`` (size of the input) and ``ori_shape`` (size of the image).

        Returns:
            The samples with ``seg_logits`` and ``pred_sem_seg``.
        """
        if data_samples is None:
            return super().postprocess_result(seg_logits)
        sizes = [tuple(sample.ori_shape[:2]) for sample in data_samples]
        for sample in data_samples:
            sample.set_metainfo(dict(ori_shape=tuple(sample.img_shape[:2])))
        data_samples = super().postprocess_result(seg_logits, data_samples)
        for sample, size in zip(data_samples, sizes):
            sample.set_metainfo(dict(ori_shape=size))
            labels = sample.pred_sem_seg.data
            if tuple(labels.shape[-2:]) != size:
                enlarged = F.interpolate(labels[None].float(), size=size, mode='nearest')[0]
                sample.pred_sem_seg = PixelData(data=enlarged.to(labels.dtype))
        return data_samples
