"""Scores of test-time augmentation."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models import SegTTAModel
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_gdn.models.segmentors import ScoredTTAModel


class Segmentor(nn.Module):
    """Has only what merging reads of a model."""

    def __init__(self, channels):
        super().__init__()
        self.out_channels = channels
        self.decode_head = nn.Module()
        self.decode_head.threshold = 0.5

    def test_step(self):
        raise NotImplementedError


def samples(channels, images=2, augmentations=3):
    """Predictions for each image, one for each augmentation."""
    result = []
    for index in range(images):
        result.append([SegDataSample(metainfo=dict(img_path=f'{index}.jpg')) for _ in range(augmentations)])
        for sample in result[-1]:
            sample.seg_logits = PixelData(data=3 * torch.randn(channels, 4, 5))
    return result


def test_scores_belong_to_the_classes():
    predictions = samples(4)
    means = [torch.stack([sample.seg_logits.data.softmax(0) for sample in group]).mean(0) for group in predictions]
    model = ScoredTTAModel(Segmentor(4))
    merged = model.merge_preds(predictions)
    for index, (sample, mean) in enumerate(zip(merged, means)):
        assert sample.img_path == f'{index}.jpg'
        torch.testing.assert_close(sample.seg_logits.data.softmax(0), mean)
        assert torch.equal(sample.seg_logits.data.argmax(0), sample.pred_sem_seg.data.squeeze(0))


def test_mmseg_still_leaves_other_scores():
    """Without this the subclass would not be needed."""
    predictions = samples(4)
    merged = SegTTAModel(Segmentor(4)).merge_preds(predictions)
    assert not torch.equal(merged[0].seg_logits.data.argmax(0), merged[0].pred_sem_seg.data.squeeze(0))


def test_impossible_classes_and_half_precision():
    predictions = samples(3, images=1)
    for sample in predictions[0]:
        sample.seg_logits.data = sample.seg_logits.data.half()
        sample.seg_logits.data[0] = -torch.inf
    scores = ScoredTTAModel(Segmentor(3)).merge_preds(predictions)[0].seg_logits.data
    assert scores.isfinite().all()
    assert scores.softmax(0)[0].max() < 1e-30


@pytest.mark.parametrize('wanted', [SegTTAModel, ScoredTTAModel])
def test_binary_models_stay_as_they_are(wanted):
    predictions = samples(1)
    last = predictions[0][-1].seg_logits.data.clone()
    merged = wanted(Segmentor(1)).merge_preds(predictions)
    assert torch.equal(merged[0].seg_logits.data, last)
