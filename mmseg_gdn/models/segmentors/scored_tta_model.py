"""Test-time augmentation that also gives merged scores."""

from __future__ import annotations

import torch
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor


@MODELS.register_module()
class ScoredTTAModel(SegTTAModel):
    """``SegTTAModel`` whose ``seg_logits`` belong to the classes it predicts.

    mmseg merges the probabilities of all augmented images for ``pred_sem_seg``, but leaves the ``seg_logits`` of the
    last one in its samples. Here they are the logarithms of the merged probabilities, so that their softmax gives
    these back. Binary models keep mmseg's ``seg_logits``.
    """

    def merge_preds(self, data_samples_list: list[SampleList]) -> SampleList:
        """Merge the predictions of augmented images.

        Args:
            data_samples_list: For each image its predictions, with ``seg_logits`` at the size of the image.

        Returns:
            One sample for each image, with merged ``seg_logits`` and ``pred_sem_seg``.
        """
        # The merged sample is one of those it is merged from, hence before mmseg merges.
        merged_scores = [_merge(samples) for samples in data_samples_list]
        merged = super().merge_preds(data_samples_list)
        for sample, scores in zip(merged, merged_scores):
            sample.seg_logits = PixelData(data=scores)
        return merged


def _merge(samples: SampleList) -> Tensor:
    if len(samples[-1].seg_logits.data) == 1:
        return samples[-1].seg_logits.data
    probabilities = sum(sample.seg_logits.data.float().softmax(0) for sample in samples) / len(samples)
    return probabilities.clamp(min=torch.finfo(torch.float32).tiny).log()
