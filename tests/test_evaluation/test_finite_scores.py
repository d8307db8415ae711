"""Scores that are no numbers, of all kinds of models."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmseg_gdn.engine.hooks import FiniteScoresHook
from mmseg_gdn.evaluation.finite_scores import require_finite_scores
from mmseg_gdn.structures import DeferredPixelData
from mmseg_gdn.utils import InputError


def sample(logits=None):
    found = SegDataSample(metainfo=dict(img_path='a.jpg'))
    if logits is not None:
        found.seg_logits = logits
    return found


def never():
    raise AssertionError('full-size scores have been computed')


def full(value):
    scores = torch.zeros(3, 4, 5)
    scores[1, 2, 3] = value
    return scores


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
@pytest.mark.parametrize(
    'make',
    [
        lambda value: PixelData(data=full(value)),
        lambda value: PixelData(data=full(value).half()),
        lambda value: DeferredPixelData(never, lambda: torch.tensor(value)),
        lambda value: DeferredPixelData(lambda: full(value)),
    ],
)
def test_the_image_is_named(make, value):
    with pytest.raises(InputError, match=r'The scores of the image a\.jpg are NaN or infinite, although the weights'):
        FiniteScoresHook().after_test_iter(None, 0, outputs=[sample(PixelData(data=full(1.0))), sample(make(value))])


@pytest.mark.parametrize(
    'logits', [None, PixelData(data=full(-3e38)), DeferredPixelData(never, lambda: torch.tensor(3.0))]
)
def test_numbers_pass(logits):
    require_finite_scores(sample(logits), 'a.jpg')


def test_validation_goes_on():
    FiniteScoresHook().after_val_iter(None, 0, outputs=[sample(PixelData(data=full(float('nan'))))])
