"""The paper's classification branch on coarse scores."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from mmseg_gdn.models import MultiLabelAuxLoss
from mmseg_gdn.models.decode_heads.label_branch import LabelBranch

MASKS = torch.tensor([[[0, 1], [255, 4]], [[0, 0], [0, 2]]])


@pytest.fixture
def scores():
    return torch.randn(2, 5, 4, 6)


@pytest.mark.parametrize('pool', ['flatten', 'avg', 'max'])
def test_leaves_the_background_out(scores, pool):
    assert LabelBranch(5, 5, (4, 6), pool=pool)(scores).shape == (2, 4)
    assert LabelBranch(5, 5, (4, 6), pool=pool, with_background=True)(scores).shape == (2, 5)


def test_flatten_is_the_dense_layer_of_the_paper(scores):
    branch = LabelBranch(5, 5, (4, 6), hidden_channels=256)
    (weight, bias, out_weight, out_bias) = branch.parameters()
    assert weight.shape == (256, 5 * 4 * 6)
    expected = F.linear(F.relu(F.linear(scores.flatten(1), weight, bias)), out_weight, out_bias)
    torch.testing.assert_close(branch(scores), expected)


def test_smaller_maps_stand_at_the_top_left_in_zeros(scores):
    branch = LabelBranch(5, 5, (4, 6))
    small = scores[:, :, :3, :5]
    padded = torch.zeros(2, 5, 4, 6)
    padded[:, :, :3, :5] = small
    torch.testing.assert_close(branch(small), branch(padded))


def test_larger_maps_are_refused_with_a_remedy(scores):
    with pytest.raises(ValueError, match=r"made for 3x6 score maps, but got 4x6; set label_branch.pool to 'avg'"):
        LabelBranch(5, 5, (3, 6))(scores)


@pytest.mark.parametrize(('pool', 'pooled'), [('avg', lambda x: x.mean((2, 3))), ('max', lambda x: x.amax((2, 3)))])
def test_pools_serve_maps_of_any_size(scores, pool, pooled):
    branch = LabelBranch(5, 5, (4, 6), hidden_channels=7, pool=pool)
    (weight, bias, out_weight, out_bias) = branch.parameters()
    for x in (scores, scores[:, :, :2], F.interpolate(scores, (9, 11))):
        expected = F.linear(pooled(F.relu(F.conv2d(x, weight, bias))), out_weight, out_bias)
        torch.testing.assert_close(branch(x), expected)


@pytest.mark.parametrize('pool', ['flatten', 'avg', 'max'])
def test_gradients(pool):
    branch = LabelBranch(5, 5, (2, 3), hidden_channels=4, pool=pool).double()
    scores = torch.randn(2, 5, 2, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(branch, scores)


def test_loss_of_a_batch(scores):
    branch = LabelBranch(5, 5, (4, 6), loss_decode=dict(type='MultiLabelAuxLoss', loss_weight=2.0))
    targets = torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, 0]])
    expected = 2 * F.binary_cross_entropy_with_logits(branch(scores), targets)
    torch.testing.assert_close(branch.loss(scores, MASKS, 255), dict(loss_mlc=expected))


def test_background_is_a_class_like_others_when_asked(scores):
    branch = LabelBranch(5, 5, (4, 6), with_background=True)
    targets = torch.tensor([[1.0, 1, 0, 0, 1], [1, 0, 1, 0, 0]])
    expected = F.binary_cross_entropy_with_logits(branch(scores), targets)
    torch.testing.assert_close(branch.loss(scores, MASKS, 255), dict(loss_mlc=expected))


@pytest.mark.parametrize('loss_type', ['MultiLabelAuxLoss', 'mmseg.MultiLabelAuxLoss', MultiLabelAuxLoss])
def test_the_loss_takes_the_background_setting_however_it_is_named(loss_type):
    branch = LabelBranch(5, 5, (4, 6), with_background=True, loss_decode=dict(type=loss_type))
    assert branch.losses[0].with_background


@pytest.mark.parametrize('loss_type', ['MultiLabelAuxLoss', 'mmseg.MultiLabelAuxLoss', MultiLabelAuxLoss])
@pytest.mark.parametrize('with_background', [False, True])
def test_a_loss_that_disagrees_about_the_background_is_refused(with_background, loss_type):
    loss = dict(type=loss_type, with_background=not with_background)
    with pytest.raises(ValueError, match=f'logits have with_background={with_background}, but their loss'):
        LabelBranch(5, 5, (4, 6), with_background=with_background, loss_decode=loss)


def test_unknown_pool():
    with pytest.raises(ValueError, match="label_branch.pool must be 'flatten', 'avg' or 'max', but got 'mean'"):
        LabelBranch(5, 5, (4, 6), pool='mean')


def test_background_alone_leaves_nothing_to_predict():
    with pytest.raises(ValueError, match='num_classes=1 and with_background=False there is no class to predict'):
        LabelBranch(1, 1, (4, 6))
