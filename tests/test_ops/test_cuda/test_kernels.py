"""The Triton kernels in Triton's interpreter, where they differ from other implementations."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmseg_gdn.ops import (
    cross_entropy_sums,
    global_interp,
    global_interp_argmax,
    global_interp_cross_entropy,
    reference,
)
from mmseg_gdn.ops.checks import rows_first

HALVES = torch.bfloat16, torch.float16


@pytest.fixture
def problem(random_problem):
    def make(dtype, *sizes):
        inputs, target = random_problem(*sizes, torch.float32)
        return [tensor.detach().to(dtype).requires_grad_() for tensor in inputs], target

    return make


def in_double(inputs):
    x, kernel_h, kernel_w = (tensor.detach().double().requires_grad_() for tensor in inputs)
    return (x, kernel_h, kernel_w), kernel_h @ x @ kernel_w.t()


@pytest.mark.parametrize('dtype', [torch.float32, *HALVES])
@pytest.mark.parametrize('sides', [(5, 4), (2, 6)])  # rows first, columns first
def test_the_loss_in_all_types(small_chunks, problem, dtype, sides):
    inputs, target = problem(dtype, 2, 7, *sides, 9, 11)
    weight = torch.linspace(0.5, 2, 7)
    loss = global_interp_cross_entropy(*inputs, target, weight=weight)
    doubles, scores = in_double(inputs)
    expected = F.cross_entropy(scores, target, weight.double(), ignore_index=255)
    tolerance = 1e-6 if dtype == torch.float32 else 0.02
    assert loss.dtype == torch.float32
    assert abs(loss - expected) <= tolerance * expected
    for result, right in zip(torch.autograd.grad(loss, inputs), torch.autograd.grad(expected, doubles)):
        assert result.dtype == dtype
        assert (result - right).norm() <= tolerance * right.norm()


@pytest.mark.parametrize('dtype', HALVES)
def test_the_best_class_is_that_of_the_full_size_scores(small_chunks, problem, dtype):
    inputs, _ = problem(dtype, 2, 7, 5, 4, 9, 11)
    with torch.no_grad():
        scores = global_interp(*inputs)
    assert scores.dtype == dtype
    assert (global_interp_argmax(*inputs) == scores.argmax(1)).float().mean() > 0.98


def test_more_classes_than_a_few_tiles_hold(problem):
    inputs, target = problem(torch.float32, 1, 300, 2, 3, 3, 4)
    target[0, 0, 0] = 299
    doubles, scores = in_double(inputs)
    loss, expected = global_interp_cross_entropy(*inputs, target), F.cross_entropy(scores, target, ignore_index=255)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
    for result, right in zip(torch.autograd.grad(loss, inputs), torch.autograd.grad(expected, doubles)):
        assert (result - right).norm() <= 1e-6 * right.norm()


def test_coarse_maps_wider_than_a_tile(problem):
    inputs, target = problem(torch.float32, 1, 3, 20, 150, 3, 9)
    assert rows_first(*inputs[1:])  # else the width would be the short side
    doubles, scores = in_double(inputs)
    loss, expected = global_interp_cross_entropy(*inputs, target), F.cross_entropy(scores, target, ignore_index=255)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
    for result, right in zip(torch.autograd.grad(loss, inputs), torch.autograd.grad(expected, doubles)):
        assert (result - right).norm() <= 5e-6 * right.norm()
    assert torch.equal(global_interp_argmax(*inputs), scores.argmax(1))


def test_float16_sums_exceed_its_range():
    x = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).half().requires_grad_()
    kernel_h, kernel_w = (torch.full((side, 1), 60.0).half().requires_grad_() for side in (6, 7))
    target = torch.ones(1, 6, 7, dtype=torch.long)
    sums = cross_entropy_sums(x.float() @ torch.ones(1, 1), kernel_h.float(), kernel_w.float(), target)
    assert sums.loss > torch.finfo(torch.float16).max
    loss = cross_entropy_sums(x, kernel_h, kernel_w, target).loss
    torch.testing.assert_close(loss, sums.loss)
    global_interp_cross_entropy(x, kernel_h, kernel_w, target).backward()
    assert all(tensor.grad.isfinite().all() for tensor in (x, kernel_h, kernel_w))


@pytest.mark.parametrize('distance', [0.0, 1e-4, 1.0, 10.0, 30.0, 80.0, 120.0, 1e4])
def test_exponentials_and_logarithms_are_precise(distance):
    x = torch.tensor([0.0, -distance]).view(1, 2, 1, 1).requires_grad_()
    kernel = torch.ones(1, 1)
    for label in (0, 1):
        loss = global_interp_cross_entropy(x, kernel, kernel, torch.full((1, 1, 1), label))
        odds = x.double().flatten()[1 - label] - x.double().flatten()[label]
        expected = (F.softplus(odds) if odds > -30 else odds.exp()).squeeze()
        torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-37)
        (found,) = torch.autograd.grad(loss, x)
        (right,) = torch.autograd.grad(expected, x)
        torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize(
    'scores',
    [
        [math.nan, 0, 1],
        [0, math.nan, 1],
        [math.inf, 0, 1],
        [0, math.inf, 1],
        [-math.inf, 0, 1],
        [0, -math.inf, 1],
        [-math.inf, -math.inf, 1],
        [-math.inf, -math.inf, -math.inf],
        [math.inf, math.inf, 0],
        [math.nan] * 3,
    ],
)
def test_scores_that_are_not_finite(small_chunks, scores):
    x = torch.tensor(scores).repeat(3).view(1, 9, 1, 1)  # several tiles of classes
    kernel, target = torch.ones(1, 1), torch.zeros(1, 1, 1, dtype=torch.long)
    for label in range(9):
        target[:] = label
        result = global_interp_cross_entropy(x, kernel, kernel, target)
        torch.testing.assert_close(result, F.cross_entropy(x, target), equal_nan=True)
    assert torch.equal(global_interp_argmax(x, kernel, kernel), x.argmax(1))


def test_gradients_of_huge_scores_are_finite(problem):
    inputs, target = problem(torch.float32, 1, 3, 20, 150, 3, 9)
    # In tiles of another width, such scores differ by far more than 1.
    inputs[0] = (1e12 * inputs[0]).detach().requires_grad_()
    loss = cross_entropy_sums(*inputs, target).loss
    doubles, scores = in_double(inputs)
    expected = F.cross_entropy(scores, target, ignore_index=255, reduction='sum')
    for result, right in zip(torch.autograd.grad(loss, inputs), torch.autograd.grad(expected, doubles)):
        assert (result - right).norm() <= right.norm()


def test_scores_that_are_no_numbers_do_not_spoil_ignored_pixels():
    x = torch.zeros(1, 3, 2, 4)
    x[0, 1, 0, 2] = math.nan
    x.requires_grad_()
    target = torch.tensor([[[255, 255, 255, 255], [0, 1, 2, 0]]])
    sums = cross_entropy_sums(x, torch.eye(2) + 0, torch.eye(4), target)
    losses = global_interp_cross_entropy(x, torch.eye(2), torch.eye(4), target, reduction='none')
    # A product with a zero hands them on to the other row.
    assert losses[0, 0].tolist() == [0] * 4
    assert losses[0, 1].isnan().all()
    assert sums.weight == 4


def test_the_same_results_each_time(small_chunks, problem):
    inputs, target = problem(torch.float32, 2, 5, 4, 5, 9, 11)

    def results():
        loss = global_interp_cross_entropy(*inputs, target)
        return loss, *torch.autograd.grad(loss, inputs)

    assert all(torch.equal(one, other) for one, other in zip(results(), results()))


def test_labels_of_all_integer_types_and_any_strides(problem):
    inputs, target = problem(torch.float32, 2, 5, 4, 5, 6, 7)
    expected = global_interp_cross_entropy(*inputs, target)
    for dtype in (torch.uint8, torch.int16, torch.int32):
        torch.testing.assert_close(global_interp_cross_entropy(*inputs, target.to(dtype)), expected)
    scattered = target.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    assert not scattered.is_contiguous()
    torch.testing.assert_close(global_interp_cross_entropy(*inputs, scattered), expected)


def test_the_kernels_are_what_computed(problem, monkeypatch):
    inputs, target = problem(torch.float32, 1, 3, 2, 2, 4, 4)

    def fail(*_):
        raise AssertionError('the reference was asked')

    for name in ('global_interp', 'global_interp_argmax', '_cross_entropy'):
        monkeypatch.setattr(reference, name, fail)
    global_interp_cross_entropy(*inputs, target).backward()
    global_interp_cross_entropy(*inputs, target, reduction='none').sum().backward()
    global_interp(*inputs)
    global_interp_argmax(*inputs)
