"""The best class of each pixel against ``argmax`` of the full-size scores."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmseg_gdn.ops import global_interp_argmax

SIDES, SIZES = st.integers(1, 5), st.integers(1, 14)
property_test = settings(
    deadline=None,
    max_examples=min(60, settings().max_examples),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def plain_argmax(x, kernel_h, kernel_w):
    return torch.matmul(torch.matmul(kernel_h, x), kernel_w.t()).argmax(1)


@property_test
@given(n=st.integers(1, 3), c=st.integers(1, 6), h=SIDES, w=SIDES, fine_h=SIZES, fine_w=SIZES)
def test_equals_argmax(small_chunks, random_problem, n, c, h, w, fine_h, fine_w):
    inputs, _ = random_problem(n, c, h, w, fine_h, fine_w)
    best = global_interp_argmax(*inputs)
    assert best.dtype == torch.int64
    assert torch.equal(best, plain_argmax(*inputs))


@property_test
@given(
    c=st.integers(1, 6),
    h=SIDES,
    w=SIDES,
    fine_h=SIZES,
    fine_w=SIZES,
    levels=st.integers(1, 4),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_of_equal_scores_the_lowest_class_wins(small_chunks, random_problem, c, h, w, fine_h, fine_w, levels, dtype):
    inputs, _ = random_problem(2, c, h, w, fine_h, fine_w)
    inputs = [tensor.detach().mul(levels / 3).round().to(dtype) for tensor in inputs]
    assert torch.equal(global_interp_argmax(*inputs), plain_argmax(*inputs))


@pytest.mark.parametrize('value', [float('nan'), float('inf'), float('-inf')])
def test_scores_that_are_not_finite(value):
    x = torch.randn(2, 4, 1, 5, generator=torch.Generator().manual_seed(1))
    x[0, 2, 0, 1] = x[0, 3, 0, 1] = x[1, 1, 0, 4] = value
    kernels = torch.ones(3, 1), torch.rand(6, 5)
    assert torch.equal(global_interp_argmax(x, *kernels), plain_argmax(x, *kernels))


def test_more_classes_than_a_byte_holds():
    x = torch.randn(1, 700, 2, 3, generator=torch.Generator().manual_seed(1))
    kernels = torch.rand(9, 2), torch.rand(8, 3)
    assert torch.equal(global_interp_argmax(x, *kernels), plain_argmax(x, *kernels))


@pytest.mark.parametrize('sides', [(0, 2), (3, 0), (0, 0)])
def test_coarse_sides_of_zero(sides):
    x, kernels = torch.zeros(2, 4, *sides), [torch.zeros(fine, side) for fine, side in zip((7, 9), sides)]
    assert torch.equal(global_interp_argmax(x, *kernels), torch.zeros(2, 7, 9, dtype=torch.int64))


def test_views_of_negated_numbers(random_problem):
    (x, *kernels), _ = random_problem(2, 4, 3, 2, 7, 9, torch.float32)
    negated = torch.complex(x.detach(), -x.detach()).conj().imag
    assert torch.equal(global_interp_argmax(negated, *kernels), global_interp_argmax(x, *kernels))


def test_under_autocast_and_autograd(random_problem):
    inputs, _ = random_problem(1, 5, 3, 4, 9, 8, torch.float32)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        best = global_interp_argmax(*inputs)
        assert torch.equal(best, plain_argmax(*inputs))
    assert not best.requires_grad


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match='read 5x5 maps .* but x is 4x5'):
        global_interp_argmax(torch.ones(1, 3, 4, 5), torch.ones(8, 5), torch.ones(10, 5))


def test_no_classes():
    with pytest.raises(ValueError, match='scores for 0 classes'):
        global_interp_argmax(torch.zeros(1, 0, 2, 2), torch.zeros(4, 2), torch.zeros(4, 2))
