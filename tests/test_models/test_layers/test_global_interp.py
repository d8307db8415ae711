"""The learnable pair of matrices."""

import copy
import itertools

import pytest
import torch
import torch.nn.functional as F

from mmseg_gdn.models import GlobalInterp
from mmseg_gdn.models.layers.interp_kernels import resample_kernel


def test_smoke():
    layer = GlobalInterp((4, 5), (8, 10))
    assert layer.kernel_h.shape == (8, 4)
    assert layer.kernel_w.shape == (10, 5)
    assert layer(torch.ones(2, 3, 4, 5)).shape == (2, 3, 8, 10)


@pytest.mark.parametrize('align_corners', [False, True])
def test_starts_as_bilinear(align_corners):
    layer = GlobalInterp((4, 5), (13, 17), align_corners=align_corners)
    x = torch.randn(2, 3, 4, 5)
    expected = F.interpolate(x, (13, 17), mode='bilinear', align_corners=align_corners)
    torch.testing.assert_close(layer(x), expected)


def test_caffe_start_fills_the_authors_range():
    layer = GlobalInterp((16, 16), (500, 500), init='caffe', channels=21)
    bound_h = 2 * (6 / (21 * 16 * 16 + 21 * 500 * 16)) ** 0.5
    bound_w = 2 * (6 / (21 * 16 * 16 + 21 * 500 * 500)) ** 0.5
    for kernel, bound in ((layer.kernel_h, bound_h), (layer.kernel_w, bound_w)):
        assert kernel.abs().max() <= bound
        assert kernel.std().item() == pytest.approx(bound / 3**0.5, rel=0.03)


def test_caffe_start_draws_the_rows_first():
    torch.manual_seed(3)
    layer = GlobalInterp((2, 3), (5, 7), init='caffe', channels=4)
    torch.manual_seed(3)
    first = torch.rand(5, 2)
    torch.testing.assert_close(
        layer.kernel_h / layer.kernel_h.abs().max(), (2 * first - 1) / (2 * first - 1).abs().max()
    )


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(in_size=4), 'in_size must be a pair'),
        (dict(in_size=(0, 4)), 'in_size must be a pair of positive'),
        (dict(out_size=(8, 8.5)), 'out_size must be a pair of positive'),
        (dict(init='random'), "init must be one of 'bilinear', 'caffe'"),
        (dict(init='caffe'), 'give channels=C'),
        (dict(size_policy='pad'), "size_policy must be one of 'slice', 'resample', 'error'"),
    ],
)
def test_arguments_that_mean_nothing(arguments, message):
    with pytest.raises(ValueError, match=message):
        GlobalInterp(**{'in_size': (4, 4), 'out_size': (8, 8), **arguments})


def test_slice_takes_the_top_left_parts():
    layer = GlobalInterp((4, 5), (8, 10), size_policy='slice')
    x = torch.randn(1, 2, 3, 5)
    expected = layer.kernel_h[:6, :3] @ x @ layer.kernel_w[:9].t()
    torch.testing.assert_close(layer(x, out_size=(6, 9)), expected)


def test_resample_starts_as_bilinear_at_every_size():
    layer = GlobalInterp((4, 5), (8, 10), size_policy='resample')
    for h, w, fine_h, fine_w in itertools.product((1, 4, 7), (2, 9), (8, 31), (3, 10)):
        x = torch.randn(1, 2, h, w)
        expected = F.interpolate(x, (fine_h, fine_w), mode='bilinear')
        torch.testing.assert_close(layer(x, out_size=(fine_h, fine_w)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ('policy', 'size', 'wanted', 'remedy'),
    [
        ('slice', (5, 5), (8, 10), "set size_policy to 'resample'"),
        ('slice', (4, 5), (9, 10), "set size_policy to 'resample'"),
        ('error', (3, 5), (8, 10), "set size_policy to 'slice' or 'resample'"),
        ('error', (4, 5), (16, 20), "set size_policy to 'resample'"),
    ],
)
def test_a_refusal_names_both_sizes_and_what_works(policy, size, wanted, remedy):
    layer = GlobalInterp((4, 5), (8, 10), size_policy=policy)
    with pytest.raises(ValueError, match=remedy) as refusal:
        layer(torch.ones(1, 2, *size), out_size=wanted)
    for pair in ((4, 5), (8, 10), size, wanted):
        assert f'{pair[0]}x{pair[1]}' in str(refusal.value)


@pytest.mark.parametrize('policy', ['slice', 'resample'])
def test_gradients_reach_both_matrices_at_other_sizes(policy):
    layer = GlobalInterp((4, 5), (8, 10), size_policy=policy)
    layer(torch.randn(1, 2, 3, 4), out_size=(6, 7)).square().sum().backward()
    assert layer.kernel_h.grad.abs().sum() > 0
    assert layer.kernel_w.grad.abs().sum() > 0


def test_state_survives_a_copy():
    layer = GlobalInterp((4, 5), (8, 10))
    with torch.no_grad():
        layer.kernel_h.normal_()
    other = GlobalInterp((4, 5), (8, 10))
    other.load_state_dict(copy.deepcopy(layer).state_dict())
    assert set(layer.state_dict()) == {'kernel_h', 'kernel_w'}
    assert torch.equal(other.kernel_h, layer.kernel_h)


def test_every_size_is_served_by_default():
    assert GlobalInterp((4, 5), (8, 10))(torch.ones(1, 2, 7, 3), out_size=(21, 9)).shape == (1, 2, 21, 9)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('policy', ['slice', 'resample', 'error'])
def test_matrices_of_another_size_are_resampled_when_loaded(policy, align_corners):
    learned = GlobalInterp((4, 5), (8, 10), align_corners=align_corners)
    with torch.no_grad():
        learned.kernel_h += torch.randn(8, 4)
    layer = GlobalInterp((8, 5), (16, 10), size_policy=policy, align_corners=align_corners)
    layer.load_state_dict(learned.state_dict())
    torch.testing.assert_close(layer.kernel_h.data, resample_kernel(learned.kernel_h.data, 16, 8, align_corners))
    assert torch.equal(layer.kernel_w, learned.kernel_w)


@pytest.mark.parametrize('shape', [(3,), (4, 8)], ids=['a vector', 'transposed'])
def test_what_is_no_matrix_for_another_crop_is_refused(shape):
    with pytest.raises(RuntimeError, match='size mismatch for kernel_h'):
        GlobalInterp((4, 5), (8, 10)).load_state_dict(dict(kernel_h=torch.ones(shape), kernel_w=torch.ones(10, 5)))
