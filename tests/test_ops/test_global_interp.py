"""The product of equation (1) as a pure function."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from mmseg_gdn.ops import global_interp

SIDES = st.integers(1, 9)


def random_case(n, c, h, w, fine_h, fine_w, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    shapes = (n, c, h, w), (fine_h, h), (fine_w, w)
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


def test_smoke():
    y = global_interp(torch.ones(2, 3, 4, 5), torch.ones(8, 4), torch.ones(10, 5))
    assert y.shape == (2, 3, 8, 10)
    assert torch.equal(y, torch.full_like(y, 20))


@pytest.mark.parametrize(
    ('shapes', 'message'),
    [
        (((3, 4, 5), (8, 4), (10, 5)), 'takes x'),
        (((1, 3, 4, 5), (8, 4, 1), (10, 5)), 'takes x'),
        (((1, 3, 4, 5), (8, 5), (10, 5)), 'read 5x5 maps .* but x is 4x5'),
        (((1, 3, 4, 5), (8, 4), (10, 4)), 'read 4x4 maps .* but x is 4x5'),
    ],
)
def test_shapes_that_do_not_fit(shapes, message):
    with pytest.raises(ValueError, match=message):
        global_interp(*(torch.ones(shape) for shape in shapes))


@settings(deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, SIDES, SIDES)
def test_equals_the_equation_in_either_order(n, c, h, w, fine_h, fine_w):
    x, kernel_h, kernel_w = random_case(n, c, h, w, fine_h, fine_w)
    expected = np.einsum('Hh,nchw,Ww->ncHW', kernel_h, x, kernel_w)
    np.testing.assert_allclose(global_interp(x, kernel_h, kernel_w), expected, rtol=1e-10, atol=1e-10)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(-3, 3))
def test_is_linear_in_x(a, b):
    x, kernel_h, kernel_w = random_case(1, 2, 3, 4, 5, 6)
    z = torch.flip(x, dims=(2, 3))
    together = global_interp(a * x + b * z, kernel_h, kernel_w)
    apart = a * global_interp(x, kernel_h, kernel_w) + b * global_interp(z, kernel_h, kernel_w)
    torch.testing.assert_close(together, apart)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIDES, SIDES, SIDES, SIDES, SIDES, SIDES, st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_gradients_are_those_of_plain_products(small_chunks, n, c, h, w, fine_h, fine_w, needs):
    case = [tensor.requires_grad_(need) for tensor, need in zip(random_case(n, c, h, w, fine_h, fine_w), needs)]
    wanted = [tensor for tensor in case if tensor.requires_grad]
    if not wanted:
        assert not global_interp(*case).requires_grad
        return
    x, kernel_h, kernel_w = case
    plain, ours = kernel_h @ x @ kernel_w.t(), global_interp(*case)
    grad = torch.randn_like(plain)
    for result, expected in zip(torch.autograd.grad(ours, wanted, grad), torch.autograd.grad(plain, wanted, grad)):
        torch.testing.assert_close(result, expected)


@pytest.mark.parametrize('sizes', [(2, 3, 4, 7, 5), (4, 2, 3, 3, 9), (3, 5, 2, 2, 1)])
def test_gradcheck_twice(way, sizes):
    c, h, w, fine_h, fine_w = sizes
    case = [tensor.requires_grad_() for tensor in random_case(2, c, h, w, fine_h, fine_w)]
    assert gradcheck(global_interp, case, fast_mode=way == 'triton')
    assert gradgradcheck(global_interp, case, fast_mode=way == 'triton')


def test_maps_and_gradients_that_lie_scattered_in_memory():
    x, kernel_h, kernel_w = random_case(2, 3, 4, 5, 8, 9)
    scattered = x.permute(1, 3, 0, 2).contiguous().permute(2, 0, 3, 1).requires_grad_()
    y = global_interp(scattered, kernel_h, kernel_w)
    torch.testing.assert_close(y, kernel_h @ x @ kernel_w.t())
    y.sum().backward()
    torch.testing.assert_close(scattered.grad, (kernel_h.t() @ torch.ones_like(y) @ kernel_w))


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('sides', [(5, 4), (2, 9)])  # rows first, columns first
def test_views_of_negated_numbers(sides, dtype):
    x, *kernels = random_case(2, 3, *sides, 20, 21, dtype)
    negated = [torch.complex(tensor, -tensor).conj().imag.detach().requires_grad_() for tensor in (x, *kernels)]
    assert negated[0].is_neg()
    case = [tensor.requires_grad_() for tensor in (x, *kernels)]
    y, expected = global_interp(*negated), global_interp(*case)
    torch.testing.assert_close(y, expected)
    grad = torch.complex(torch.zeros_like(y), -torch.ones_like(y)).conj().imag
    for result, right in zip(
        torch.autograd.grad(y, negated, grad), torch.autograd.grad(expected, case, torch.ones_like(y))
    ):
        torch.testing.assert_close(result, right)


@pytest.mark.parametrize('sides', [(0, 5), (4, 0), (0, 0)])
def test_coarse_sides_of_zero(sides):
    case = [torch.zeros(shape, requires_grad=True) for shape in ((2, 3, *sides), (8, sides[0]), (9, sides[1]))]
    y = global_interp(*case)
    assert torch.equal(y, torch.zeros(2, 3, 8, 9))
    y.sum().backward()
    assert [tensor.grad.shape for tensor in case] == [tensor.shape for tensor in case]


def test_empty_batch():
    x = torch.zeros(0, 3, 4, 5, requires_grad=True)
    y = global_interp(x, torch.ones(8, 4), torch.ones(9, 5))
    y.sum().backward()
    assert y.shape == (0, 3, 8, 9)
    assert x.grad.shape == x.shape


def test_autocast_computes_in_half_and_gives_full_precision_gradients():
    case = [tensor.requires_grad_() for tensor in random_case(1, 3, 4, 5, 8, 9, torch.float32)]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        y = global_interp(*case)
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    assert all(tensor.grad.dtype == torch.float32 and tensor.grad.isfinite().all() for tensor in case)
    torch.testing.assert_close(y.float(), global_interp(*case), rtol=0.05, atol=0.1)


def test_half_precision_scores_meet_full_precision_matrices():
    x, kernel_h, kernel_w = random_case(1, 3, 4, 5, 8, 9, torch.float32)
    assert global_interp(x.bfloat16(), kernel_h, kernel_w).dtype == torch.bfloat16


def test_equals_caffe(golden_dir):
    golden = np.load(golden_dir / 'gdn_layer.npz')
    cases = [key.removesuffix('/bottom') for key in golden if key.endswith('/bottom')]
    assert {'tiny', 'mid', 'same', 'down'} <= set(cases)
    for case in cases:
        x, blob0, blob1 = (
            torch.from_numpy(golden[f'{case}/{name}']).requires_grad_() for name in ('bottom', 'blob0', 'blob1')
        )
        top = global_interp(x, blob0.t(), blob1.t())
        top.backward(torch.from_numpy(golden[f'{case}/top_diff'].astype(np.float32)))
        results = {'bottom_diff': x.grad, 'blob0_diff': blob0.grad, 'blob1_diff': blob1.grad}
        # Of the largest case only statistics are stored, which tools/verify_caffe.py compares.
        if f'{case}/top' in golden:
            results['top'] = top
        for name, result in results.items():
            expected = golden[f'{case}/{name}']
            error = np.abs(result.detach().numpy() - expected).max() / np.abs(expected).max()
            assert error < 2e-6, (case, name, error)
