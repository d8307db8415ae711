"""Predictions tell which classes are in the image, if the model was trained to."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.runner.checkpoint import load_state_dict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

HEAD = dict(type='MultiLabelHead', in_channels=32, in_index=3)
GDN = dict(type='GlobalInterpHead', base_type='FCNHead', in_size=(2, 3), out_size=(64, 96))
IMAGES = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def build(auxiliary_head=None, mode='whole', head=GDN, **decode_head):
    torch.manual_seed(0)
    return MODELS.build(
        ConfigDict(
            type='GlobalInterpEncoderDecoder',
            backbone=dict(type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=dict(type='BN')),
            decode_head=dict(in_index=3, in_channels=32, channels=8, num_convs=1, num_classes=5, **head, **decode_head),
            auxiliary_head=auxiliary_head,
            test_cfg=dict(mode=mode, crop_size=(64, 64), stride=(32, 32)),
        )
    ).eval()


@torch.no_grad()
def predict(model, images=IMAGES):
    size = tuple(images.shape[2:])
    samples = [SegDataSample(metainfo=dict(img_shape=size, ori_shape=size, pad_shape=size)) for _ in images]
    return model.predict(images, samples)


def scores_of(model, images=IMAGES):
    return [sample.image_scores for sample in predict(model, images)]


@torch.no_grad()
@pytest.mark.parametrize('others', [None, HEAD])
def test_of_the_label_branch(others):
    model = build(others, label_branch=dict(hidden_channels=7))
    expected = model.decode_head.label_branch(model.decode_head(model.extract_feat(IMAGES)))
    torch.testing.assert_close(torch.stack(scores_of(model)), expected)


@torch.no_grad()
@pytest.mark.parametrize('heads', [HEAD, [dict(HEAD, type='FCNHead', channels=4, num_classes=5), HEAD]])
def test_of_a_multi_label_head(heads):
    model = build(heads)
    head = model.auxiliary_head[1] if isinstance(heads, list) else model.auxiliary_head
    torch.testing.assert_close(torch.stack(scores_of(model)), head(model.extract_feat(IMAGES)))


@torch.no_grad()
def test_of_a_multi_label_head_beside_a_stock_decode_head():
    model = build(HEAD, head=dict(type='FCNHead'))
    (expected,) = predict(build(head=dict(type='FCNHead')), IMAGES[:1])
    (sample,) = predict(model, IMAGES[:1])
    assert torch.equal(sample.pred_sem_seg.data, expected.pred_sem_seg.data)
    torch.testing.assert_close(sample.image_scores[None], model.auxiliary_head(model.extract_feat(IMAGES[:1])))


def test_a_model_that_was_not_trained_to_tell_gives_none():
    assert all('image_scores' not in sample for sample in predict(build()))


@pytest.mark.parametrize('settings', [dict(label_branch={}), dict(auxiliary_head=HEAD)])
@pytest.mark.parametrize(
    'load',
    [load_state_dict, lambda model, weights: model.load_state_dict(weights, strict=False)],
    ids=['mmengine', 'torch'],
)
def test_a_checkpoint_without_weights_for_them_gives_none_until_they_are_trained(settings, load):
    model = build(**settings)
    weights = model.state_dict()
    load(model, weights)
    assert scores_of(model)[0].shape == (4,)
    load(model, {key: value for key, value in weights.items() if 'label_branch' not in key and 'auxil' not in key})
    assert scores_of(model) == [None, None]
    assert 'image_scores' in predict(model)[0].to_dict(), 'metrics can tell it from a model without a branch'

    mask = PixelData(data=torch.zeros(1, 64, 96, dtype=torch.long))
    model.train().loss(IMAGES, [SegDataSample(gt_sem_seg=mask) for _ in IMAGES])
    assert scores_of(model.eval())[0].shape == (4,)


def test_larger_images_than_the_branch_was_made_for_are_still_segmented():
    larger = torch.randn(1, 3, 128, 96)
    (sample,) = predict(build(label_branch={}), larger)
    assert sample.pred_sem_seg.data.shape == (1, 128, 96)
    assert sample.image_scores is None
    assert scores_of(build(label_branch=dict(pool='avg')), larger)[0].shape == (4,)


def test_windows_are_no_images():
    assert scores_of(build(mode='slide', label_branch={})) == [None, None]
