"""Start values of the matrices and how they move to another grid."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from mmseg_gdn.models.layers.interp_kernels import bilinear_kernel, caffe_bounds, resample_kernel
from mmseg_gdn.ops import global_interp

SIDES = st.integers(1, 20)


@settings(deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.booleans())
def test_bilinear_equals_interpolate(h, w, fine_h, fine_w, align_corners):
    x = torch.randn(1, 2, h, w, dtype=torch.float64)
    kernels = (
        bilinear_kernel(fine, coarse, align_corners, dtype=torch.float64) for fine, coarse in ((fine_h, h), (fine_w, w))
    )
    expected = F.interpolate(x, size=(fine_h, fine_w), mode='bilinear', align_corners=align_corners)
    torch.testing.assert_close(global_interp(x, *kernels), expected)


def test_bounds_are_the_authors():
    assert caffe_bounds(21, (16, 12), (500, 375)) == pytest.approx(
        (2 * math.sqrt(6 / (21 * 16 * 12 + 21 * 500 * 12)), 2 * math.sqrt(6 / (21 * 16 * 12 + 21 * 500 * 375)))
    )


def test_bounds_equal_caffe(golden_dir):
    golden = np.load(golden_dir / 'gdn_layer.npz')
    keys = [key for key in golden if key.startswith('init/') and key.endswith('ChwHW')]
    assert keys
    for key in keys:
        c, h, w, fine_h, fine_w = golden[key].tolist()
        bounds = caffe_bounds(c, (h, w), (fine_h, fine_w))
        np.testing.assert_allclose(bounds, golden[key.replace('ChwHW', 'bounds_f64')], rtol=1e-12)


@settings(deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.booleans())
def test_bilinear_stays_bilinear_on_any_grid(fine, coarse, new_fine, new_coarse, align_corners):
    kernel = bilinear_kernel(fine, coarse, align_corners)
    moved = resample_kernel(kernel, new_fine, new_coarse, align_corners)
    torch.testing.assert_close(moved, bilinear_kernel(new_fine, new_coarse, align_corners))


def test_own_grid_changes_nothing():
    kernel = torch.randn(20, 5)
    assert resample_kernel(kernel, 20, 5) is kernel


def test_reach_is_kept_in_cells():
    """A deviation 2 cells beside every pixel's own place stays 2 cells beside it on a grid of twice the size."""
    kernel = bilinear_kernel(80, 20)
    centre = (torch.arange(80) + 0.5) / 4 - 0.5
    cells = torch.arange(20)
    bump = (1 - (cells - centre[:, None] - 2).abs()).clamp(min=0)
    moved = resample_kernel(kernel + bump, 160, 40) - bilinear_kernel(160, 40)
    new_centre = (torch.arange(160) + 0.5) / 4 - 0.5
    peaks = moved[20:130].argmax(1)
    assert (peaks - new_centre[20:130] - 2).abs().max() <= 0.75


def test_cells_beyond_the_old_reach_stay_bilinear():
    """Four cells deviate by 1 in every row of the old grid, so four of eight do on a grid of twice the size."""
    moved = resample_kernel(bilinear_kernel(8, 4) + 1, 16, 8) - bilinear_kernel(16, 8)
    expected = torch.tensor([[0.0] * 4 + [1.0] * 4] * 16)
    torch.testing.assert_close(moved.sort(1).values, expected)


@pytest.mark.parametrize(('sizes', 'larger'), [((512, 64), (1024, 128)), ((512, 64), (640, 80)), ((96, 6), (160, 10))])
def test_a_larger_image_and_back_restores_the_matrix(sizes, larger):
    kernel = torch.randn(*sizes)
    back = resample_kernel(resample_kernel(kernel, *larger), *sizes)
    torch.testing.assert_close(back, kernel)


def assert_moved_and_back_is_close(kernel):
    """To a grid of stride 1000/128 and back to (500, 64), where the stride is no whole number."""
    assert kernel.shape == (500, 64)
    back = resample_kernel(resample_kernel(kernel, 1000, 128), 500, 64)
    assert (back - kernel).norm() / kernel.norm() < 0.1


def test_a_stride_that_is_no_whole_number_changes_a_smooth_matrix_little():
    """The matrix has the band of those released: bells of one cell's width, negated."""
    distance = torch.arange(64) - ((torch.arange(500)[:, None] + 0.5) * 64 / 500 - 0.5)
    assert_moved_and_back_is_close(-(-(distance**2) / 2).exp())


def test_a_stride_that_is_no_whole_number_changes_the_released_matrices_little(released_matrices):
    for name in ('w0_500', 'w1_500'):
        assert_moved_and_back_is_close(torch.from_numpy(released_matrices[name]).t())


def test_gradcheck():
    kernel = torch.randn(7, 4, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda k: resample_kernel(k, 9, 5), kernel)
