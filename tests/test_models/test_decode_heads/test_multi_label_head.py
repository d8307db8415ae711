"""The auxiliary head of the multi-label loss."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_gdn.models import MultiLabelAuxLoss

CFG = dict(type='MultiLabelHead', in_channels=8, in_index=1, num_classes=5)


@pytest.fixture
def features():
    return torch.randn(2, 3, 8, 8), torch.randn(2, 8, 4, 6)


def test_logits_leave_the_background_out(features):
    assert MODELS.build(CFG)(features).shape == (2, 4)
    assert MODELS.build(dict(CFG, with_background=True))(features).shape == (2, 5)


def test_only_the_linear_layer_learns():
    assert set(MODELS.build(CFG).state_dict()) == {'fc.weight', 'fc.bias'}


@pytest.mark.parametrize(('pool', 'pooled'), [('avg', lambda x: x.mean((2, 3))), ('max', lambda x: x.amax((2, 3)))])
def test_pools_like_caffes_global_pooling(features, pool, pooled):
    head = MODELS.build(dict(CFG, pool=pool))
    torch.testing.assert_close(head(features), head.fc(pooled(features[1])))


def test_loss_is_logged_under_its_name_and_reaches_the_features(features):
    features[1].requires_grad_()
    head = MODELS.build(dict(CFG, loss_decode=dict(type='MultiLabelAuxLoss', loss_weight=0.5)))
    masks = torch.tensor([[[[0, 1], [255, 4]]], [[[0, 0], [0, 2]]]])
    batch = [SegDataSample(gt_sem_seg=PixelData(data=mask)) for mask in masks]
    losses = head.loss(features, batch, {})
    torch.testing.assert_close(losses['loss_mlc'], 0.5 * MultiLabelAuxLoss()(head(features), masks[:, 0]))
    losses['loss_mlc'].backward()
    assert features[1].grad.abs().sum() > 0


def test_the_ignored_label_is_no_class(features):
    head = MODELS.build(dict(CFG, ignore_index=3))
    mask = torch.tensor([[[0, 1], [3, 4]]])
    present = torch.tensor([[1.0, 0, 0, 1]] * 2)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(head(features), present)
    batch = [SegDataSample(gt_sem_seg=PixelData(data=mask)) for _ in range(2)]
    torch.testing.assert_close(head.loss(features, batch, {})['loss_mlc'], expected)


def test_features_of_several_levels_are_joined(features):
    config = dict(CFG, in_channels=[3, 8], in_index=[0, 1], input_transform='resize_concat')
    head = MODELS.build(config)
    assert head.fc.in_features == 11
    assert head(features).shape == (2, 4)
    with pytest.raises(ValueError, match='multiple_select.* hands on a list'):
        MODELS.build(dict(config, input_transform='multiple_select'))


def test_unknown_pool():
    with pytest.raises(ValueError, match="pool must be one of 'avg', 'max', but got 'min'"):
        MODELS.build(dict(CFG, pool='min'))


def test_losses_of_equal_name_add_up(features):
    loss = dict(type='MultiLabelAuxLoss')
    batch = [SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 5, (1, 4, 4)))) for _ in range(2)]
    head = MODELS.build(dict(CFG, loss_decode=[loss, dict(loss, loss_weight=2.0)]))
    once = head.loss_decode[0](head(features), torch.stack([sample.gt_sem_seg.data[0] for sample in batch]))
    torch.testing.assert_close(head.loss(features, batch, {}), dict(loss_mlc=3 * once))


def test_one_setting_tells_head_and_loss_of_the_background(features):
    head = MODELS.build(dict(CFG, with_background=True, loss_decode=dict(type='MultiLabelAuxLoss')))
    assert head.loss_decode.with_background
    batch = [SegDataSample(gt_sem_seg=PixelData(data=torch.zeros(1, 4, 4, dtype=torch.long))) for _ in range(2)]
    present = torch.tensor([[1.0, 0, 0, 0, 0]] * 2)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(head(features), present)
    torch.testing.assert_close(head.loss(features, batch, {})['loss_mlc'], expected)


def test_a_loss_that_disagrees_about_the_background_is_refused():
    with pytest.raises(ValueError, match='with_background=False, but their loss has with_background=True'):
        MODELS.build(dict(CFG, loss_decode=dict(type='MultiLabelAuxLoss', with_background=True)))


def test_the_number_of_classes_is_not_guessed():
    with pytest.raises(TypeError, match='num_classes'):
        MODELS.build({key: value for key, value in CFG.items() if key != 'num_classes'})


def test_background_alone_leaves_nothing_to_predict():
    with pytest.raises(ValueError, match='num_classes=1 and with_background=False there is no class to predict'):
        MODELS.build(dict(CFG, num_classes=1))
