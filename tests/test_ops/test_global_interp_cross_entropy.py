"""The fused loss against the plain one."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch.utils.flop_counter import FlopCounterMode

from mmseg_gdn.models.losses import CaffeSoftmaxLoss
from mmseg_gdn.ops import cross_entropy_sums, global_interp_cross_entropy

SIDES, SIZES = st.integers(1, 5), st.integers(1, 14)
TOLERANCES = {torch.float64: dict(rtol=1e-9, atol=1e-9), torch.float32: dict(rtol=2e-4, atol=2e-4)}
property_test = settings(
    deadline=None,
    max_examples=min(60, settings().max_examples),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def plain_scores(x, kernel_h, kernel_w):
    return torch.matmul(torch.matmul(kernel_h, x), kernel_w.t())


def loss_and_gradients(loss, inputs, seed=3):
    grad = torch.rand(loss.shape, generator=torch.Generator().manual_seed(seed), dtype=loss.dtype)
    return [loss.detach(), *torch.autograd.grad(loss, inputs, grad)]


def assert_same(fused, plain, inputs):
    for result, expected in zip(loss_and_gradients(fused, inputs), loss_and_gradients(plain, inputs)):
        torch.testing.assert_close(result, expected, equal_nan=True, **TOLERANCES[inputs[0].dtype])


@property_test
@given(
    n=st.integers(1, 3),
    c=st.integers(1, 6),
    h=SIDES,
    w=SIDES,
    fine_h=SIZES,
    fine_w=SIZES,
    dtype=st.sampled_from([torch.float32, torch.float64]),
    spread=st.sampled_from([0.1, 1.0, 50.0]),
    ignored=st.sampled_from([0.0, 0.3, 1.0]),
    weighted=st.booleans(),
    reduction=st.sampled_from(['mean', 'sum', 'none']),
)
def test_equals_the_plain_loss(
    small_chunks, random_problem, n, c, h, w, fine_h, fine_w, dtype, spread, ignored, weighted, reduction
):
    inputs, target = random_problem(n, c, h, w, fine_h, fine_w, dtype, spread, ignored)
    options = dict(weight=torch.rand(c, dtype=dtype) + 0.1 if weighted else None, reduction=reduction)
    fused = global_interp_cross_entropy(*inputs, target, **options)
    assert_same(fused, F.cross_entropy(plain_scores(*inputs), target, ignore_index=255, **options), inputs)


@property_test
@given(
    c=st.integers(1, 6),
    fine_h=SIZES,
    fine_w=SIZES,
    ignored=st.sampled_from([0.0, 0.3, 1.0]),
    spread=st.sampled_from([1.0, 50.0]),
)
def test_the_sums_give_the_loss_of_caffe(small_chunks, random_problem, c, fine_h, fine_w, ignored, spread):
    inputs, target = random_problem(2, c, 3, 4, fine_h, fine_w, spread=spread, ignored=ignored)
    sums = cross_entropy_sums(*inputs, target, max_loss=-math.log(torch.finfo(torch.float32).tiny))
    assert sums.weight == (target != 255).sum()
    assert_same(sums.loss / sums.weight.clamp(min=1), CaffeSoftmaxLoss('valid')(plain_scores(*inputs), target), inputs)


@property_test
@given(
    c=st.integers(1, 6),
    h=SIDES,
    w=SIDES,
    fine_h=SIZES,
    fine_w=SIZES,
    seed=st.integers(0, 99),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_hits_are_those_of_argmax_also_between_equal_scores(
    small_chunks, random_problem, c, h, w, fine_h, fine_w, seed, dtype
):
    (x, *_), target = random_problem(2, c, h, w, fine_h, fine_w, dtype, seed=seed)
    # Matrices that pick one coarse score per pixel: no rounding, so equal scores stay equal.
    kernels = [torch.eye(side, dtype=dtype)[torch.arange(fine) % side] for side, fine in ((h, fine_h), (w, fine_w))]
    x = x.detach().round()
    hits = cross_entropy_sums(x, *kernels, target).hits
    assert hits.dtype == torch.int64
    assert hits == ((plain_scores(x, *kernels).argmax(1) == target) & (target != 255)).sum()


def test_hits_of_scores_that_are_all_equal(small_chunks):
    target = torch.tensor([[[0, 1, 255], [2, 0, 0]]])
    assert cross_entropy_sums(torch.zeros(1, 3, 2, 2), torch.ones(2, 2), torch.ones(3, 2), target).hits == 3


def test_class_weights_do_not_change_the_hits_and_add_up(random_problem):
    inputs, target = random_problem(2, 4, 3, 2, 7, 9)
    weight = torch.tensor([0.5, 0.0, 2.0, 3.0], dtype=torch.float64)
    sums = cross_entropy_sums(*inputs, target, weight=weight)
    torch.testing.assert_close(sums.weight, weight[target[target != 255]].sum())
    assert sums.hits == cross_entropy_sums(*inputs, target).hits


@pytest.mark.parametrize('reduction', ['mean', 'sum', 'none'])
@pytest.mark.parametrize(('h', 'w'), [(2, 3), (3, 2)])
def test_gradcheck_twice(small_chunks, way, random_problem, reduction, h, w):
    inputs, target = random_problem(2, 3, h, w, 4, 5)
    weight = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)

    def loss(*inputs):
        return global_interp_cross_entropy(*inputs, target, weight=weight, reduction=reduction)

    assert gradcheck(loss, inputs, fast_mode=way == 'triton')
    assert gradgradcheck(loss, inputs, fast_mode=way == 'triton')


@pytest.mark.parametrize('needed', [(True, False, False), (False, True, False), (False, False, True)])
@pytest.mark.parametrize('reduction', ['mean', 'none'])
def test_gradients_of_one_input_only(small_chunks, random_problem, needed, reduction):
    inputs, target = random_problem(2, 4, 3, 2, 7, 9)
    inputs = [tensor.detach().requires_grad_(need) for tensor, need in zip(inputs, needed)]
    wanted = [tensor for tensor in inputs if tensor.requires_grad]
    fused = global_interp_cross_entropy(*inputs, target, reduction=reduction)
    plain = F.cross_entropy(plain_scores(*inputs), target, ignore_index=255, reduction=reduction)
    for result, expected in zip(loss_and_gradients(fused, wanted), loss_and_gradients(plain, wanted)):
        torch.testing.assert_close(result, expected)


def test_without_gradients_none_are_computed(random_problem):
    inputs, target = random_problem(1, 4, 3, 2, 7, 9)

    def products():
        with FlopCounterMode(display=False) as counter:
            loss = global_interp_cross_entropy(*inputs, target)
        torch.testing.assert_close(loss, F.cross_entropy(plain_scores(*inputs), target, ignore_index=255))
        return counter.get_total_flops()

    with_gradients = products()
    with torch.no_grad():
        assert products() < with_gradients / 2


def test_label_types_and_ignore_index(random_problem):
    inputs, target = random_problem(1, 4, 3, 2, 7, 9)
    expected = global_interp_cross_entropy(*inputs, target)
    torch.testing.assert_close(global_interp_cross_entropy(*inputs, target.to(torch.uint8)), expected)
    negative = target.where(target != 255, torch.tensor(-100))
    torch.testing.assert_close(global_interp_cross_entropy(*inputs, negative, ignore_index=-100), expected)


@pytest.mark.parametrize('reduction', ['mean', 'none'])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_a_byte_that_a_negative_ignore_index_would_wrap_to_is_a_class(reduction, dtype):
    x = torch.zeros(1, 200, 1, 2, dtype=dtype)
    x[0, 156, 0, 0] = 9
    kernels = torch.ones(1, 1, dtype=dtype), torch.eye(2, dtype=dtype)
    target = torch.tensor([[[156, 1]]], dtype=torch.uint8)
    loss = global_interp_cross_entropy(x, *kernels, target, ignore_index=-100, reduction=reduction)
    torch.testing.assert_close(loss, F.cross_entropy(x, target.long(), reduction=reduction))


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_nan_in_one_image_leaves_the_loss_of_the_others(random_problem, dtype):
    (x, *kernels), target = random_problem(2, 4, 3, 2, 7, 9, dtype)
    x = 60 * x.detach()
    x[0, 1, 2, 1] = math.nan
    x.requires_grad_()
    target[0] = 255
    loss = global_interp_cross_entropy(x, *kernels, target)
    other = x[1:].detach().requires_grad_()
    expected = F.cross_entropy(plain_scores(other, *kernels), target[1:], ignore_index=255)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, x)[0][1:], torch.autograd.grad(expected, other)[0])


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_views_of_negated_numbers(random_problem, dtype):
    (x, *kernels), target = random_problem(2, 4, 3, 2, 7, 9, dtype)
    negated = torch.complex(x.detach(), -x.detach()).conj().imag
    assert negated.is_neg()
    torch.testing.assert_close(
        global_interp_cross_entropy(negated, *kernels, target), global_interp_cross_entropy(x, *kernels, target)
    )


@pytest.mark.parametrize('reduction', ['mean', 'none'])
@pytest.mark.parametrize('sides', [(0, 2), (3, 0), (0, 0)])
def test_coarse_sides_of_zero(sides, reduction):
    x = torch.zeros(2, 4, *sides, requires_grad=True)
    kernels = [torch.zeros(fine, side, requires_grad=True) for fine, side in zip((7, 9), sides)]
    target = torch.zeros(2, 7, 9, dtype=torch.long)
    loss = global_interp_cross_entropy(x, *kernels, target, reduction=reduction)
    torch.testing.assert_close(loss, torch.full_like(loss, math.log(4)))
    loss.sum().backward()
    assert [tensor.grad.shape for tensor in (x, *kernels)] == [tensor.shape for tensor in (x, *kernels)]


def test_no_classes():
    kernel, target = torch.zeros(4, 2), torch.full((1, 4, 4), 255)
    with pytest.raises(ValueError, match='scores for 0 classes'):
        global_interp_cross_entropy(torch.zeros(1, 0, 2, 2), kernel, kernel, target)


def test_empty_batch():
    x, target = torch.zeros(0, 3, 2, 2, requires_grad=True), torch.zeros(0, 5, 5, dtype=torch.long)
    kernel = torch.ones(5, 2)
    assert global_interp_cross_entropy(x, kernel, kernel, target).isnan()
    sums = cross_entropy_sums(x, kernel, kernel, target)
    sums.loss.backward()
    assert list(sums) == [0, 0, 0]
    assert x.grad.shape == x.shape


def test_far_apart_scores_stay_finite():
    x = torch.tensor([1e4, -1e4, 0.0]).view(1, 3, 1, 1).requires_grad_()
    kernel, target = torch.ones(2, 1), torch.ones(1, 2, 2, dtype=torch.long)
    loss = global_interp_cross_entropy(x, kernel, kernel, target)
    loss.backward()
    torch.testing.assert_close(loss.detach(), torch.tensor(2e4))
    torch.testing.assert_close(x.grad.flatten(), torch.tensor([1.0, -1.0, 0.0]))


def test_a_nearly_certain_pixel_has_a_precise_gradient():
    x = torch.tensor([30.0, 0.0]).view(1, 2, 1, 1).requires_grad_()
    kernel, target = torch.ones(1, 1), torch.zeros(1, 1, 1, dtype=torch.long)
    global_interp_cross_entropy(x, kernel, kernel, target).backward()
    torch.testing.assert_close(x.grad.flatten(), torch.tensor([-math.exp(-30), math.exp(-30)]), rtol=1e-4, atol=0)


@pytest.mark.parametrize('reduction', ['mean', 'none'])
def test_autocast_makes_products_in_half_and_sums_in_full_precision(random_problem, reduction):
    inputs, target = random_problem(2, 5, 4, 6, 33, 20, torch.float32)
    plain = F.cross_entropy(plain_scores(*inputs), target, ignore_index=255, reduction=reduction)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        fused = global_interp_cross_entropy(*inputs, target, reduction=reduction)
    assert fused.dtype == torch.float32
    for result, expected in zip(loss_and_gradients(fused, inputs), loss_and_gradients(plain, inputs)):
        assert result.dtype == torch.float32
        assert (result - expected).norm() < 0.03 * expected.norm()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_inputs(random_problem, dtype):
    inputs, target = random_problem(2, 5, 4, 6, 33, 20, torch.float32)
    halves = [tensor.detach().to(dtype).requires_grad_() for tensor in inputs]
    plain = F.cross_entropy(plain_scores(*inputs), target, ignore_index=255)
    loss = global_interp_cross_entropy(*halves, target)
    assert loss.dtype == torch.float32
    for result, expected in zip(loss_and_gradients(loss, halves), loss_and_gradients(plain, inputs)):
        assert (result.float() - expected).norm() < 0.03 * expected.norm()


def test_sums_over_many_pixels_fit_half_precision(wide_tiles):
    x = (100 * torch.eye(2)).view(1, 2, 2, 1).half().requires_grad_()
    kernel_h, kernel_w = (torch.ones(400, side).half().requires_grad_() for side in (2, 1))
    target = torch.zeros(1, 400, 400, dtype=torch.long)
    global_interp_cross_entropy(x, kernel_h, kernel_w, target).backward()
    assert all(tensor.grad.isfinite().all() for tensor in (x, kernel_h, kernel_w))


@pytest.mark.parametrize('wrong', [4, -1])
def test_label_out_of_range(way, random_problem, wrong):
    inputs, target = random_problem(1, 4, 3, 2, 7, 9)
    target[0, 3, 3] = wrong
    if way == 'triton':  # which reads nothing back
        assert global_interp_cross_entropy(*inputs, target).isnan()
        return
    with pytest.raises(ValueError, match=f'holds the label {wrong}, but there are scores for 4 classes'):
        global_interp_cross_entropy(*inputs, target)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(target=torch.zeros(1, 9, 7, dtype=torch.long)), r'shape \(N, H, W\), here \(1, 7, 9\)'),
        (dict(target=torch.zeros(1, 7, 9)), 'class indices'),
        (dict(weight=torch.ones(3)), 'one number for each of the 4 classes'),
        (dict(weight=torch.ones(4, requires_grad=True)), 'weight gets no gradient'),
        (dict(reduction='average'), "reduction must be one of 'mean', 'sum', 'none', but got 'average'"),
    ],
)
def test_wrong_arguments(random_problem, changes, message):
    (x, kernel_h, kernel_w), target = random_problem(1, 4, 3, 2, 7, 9)
    arguments = dict(x=x, kernel_h=kernel_h, kernel_w=kernel_w, target=target) | changes
    with pytest.raises(ValueError, match=message):
        global_interp_cross_entropy(**arguments)
