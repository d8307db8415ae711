"""The compiled operators against double precision, at sizes that fill panels, tiles and bands in every way."""

import itertools
import math
import platform
import shutil
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmseg_gdn.ops import cpu, cross_entropy_sums, global_interp, global_interp_argmax, global_interp_cross_entropy
from mmseg_gdn.ops.checks import rows_first
from mmseg_gdn.ops.cpu import compiled, operators

SIDES, SIZES = st.integers(1, 37), st.integers(1, 130)
CLASSES, IMAGES, THREADS = st.sampled_from([1, 2, 5, 21, 33, 150]), st.integers(1, 2), st.integers(1, 5)
NEEDS = st.tuples(st.booleans(), st.booleans(), st.booleans()).filter(any)
property_test = settings(deadline=None, max_examples=40)


@pytest.fixture(autouse=True)
def way(request):
    """The compiled code only."""
    if request.function is not test_was_built:
        request.getfixturevalue('compiled')
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def problem(n, c, h, w, fine_h, fine_w, seed=1):
    """Scores of unit size, labels of which some are void, and a gradient of the full-size scores."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, c, h, w, generator=generator)
    kernels = [
        torch.randn(fine, side, generator=generator) / math.sqrt(side) for fine, side in ((fine_h, h), (fine_w, w))
    ]
    target = torch.randint(0, c, (n, fine_h, fine_w), generator=generator)
    target[torch.rand(target.shape, generator=generator) < 0.2] = 255
    grad = torch.randn(n, c, fine_h, fine_w, generator=generator)
    return [tensor.requires_grad_() for tensor in (x, *kernels)], target, grad


def in_double(inputs):
    x, kernel_h, kernel_w = (tensor.detach().double().requires_grad_() for tensor in inputs)
    return (x, kernel_h, kernel_w), kernel_h @ x @ kernel_w.t()


def sums_of_absolutes(inputs, grad):
    """What the gradients would be if none of their terms took from another: rounding errors grow with it."""
    doubles, scores = in_double([tensor.abs() for tensor in inputs])
    return torch.autograd.grad(scores, doubles, grad.abs().double())


def assert_near(results, expected, absolutes=(), tolerance=2e-5):
    for result, right, absolute in itertools.zip_longest(results, expected, absolutes, fillvalue=torch.zeros(())):
        assert (result - right).abs().max() <= tolerance * right.abs().max() + 1e-7 * (1 + absolute.max())


@property_test
@given(IMAGES, CLASSES, SIDES, SIDES, SIZES, SIZES, THREADS, NEEDS)
@example(1, 5, 35, 1, 11, 1, 1, (True, True, True))  # gradients of one number each, whose terms all but cancel
def test_product_and_gradients(n, c, h, w, fine_h, fine_w, threads, needs):
    torch.set_num_threads(threads)
    inputs, _, grad = problem(n, c, h, w, fine_h, fine_w)
    doubles, expected = in_double(inputs)
    right = torch.autograd.grad(expected, doubles, grad.double())
    wanted = [tensor.requires_grad_(need) for tensor, need in zip(inputs, needs) if need]
    result = global_interp(*(tensor.requires_grad_(need) for tensor, need in zip(inputs, needs)))
    assert_near([result], [expected])
    assert_near(
        torch.autograd.grad(result, wanted, grad),
        itertools.compress(right, needs),
        itertools.compress(sums_of_absolutes(inputs, grad), needs),
    )


@pytest.mark.parametrize('sides', [(5, 4), (2, 9)])  # rows first, columns first
def test_maps_and_gradients_that_lie_scattered_in_memory(sides):
    inputs, _, grad = problem(2, 3, *sides, 20, 21)
    doubles, expected = in_double(inputs)
    scattered = [tensor.detach().mT.contiguous().mT.requires_grad_() for tensor in inputs]
    result = global_interp(*scattered)
    assert_near([result], [expected])
    assert_near(
        torch.autograd.grad(result, scattered, grad.mT.contiguous().mT),
        torch.autograd.grad(expected, doubles, grad.double()),
    )


@property_test
@given(IMAGES, CLASSES, SIDES, SIDES, SIZES, SIZES, THREADS, st.sampled_from(['sum', 'none']), st.booleans())
def test_loss_gradients_and_hits(n, c, h, w, fine_h, fine_w, threads, reduction, weighted):
    torch.set_num_threads(threads)
    inputs, target, grad = problem(n, c, h, w, fine_h, fine_w)
    doubles, scores = in_double(inputs)
    weight = torch.linspace(0.5, 2, c, dtype=torch.float64) if weighted else None
    expected = F.cross_entropy(scores, target, weight, ignore_index=255, reduction=reduction)
    result = global_interp_cross_entropy(*inputs, target, weight=weight, reduction=reduction)
    assert_near([result], [expected])
    grad = grad[:, 0] if reduction == 'none' else torch.tensor(1.0)
    grad_scores, *right = torch.autograd.grad(expected, (scores, *doubles), grad.double())
    assert_near(torch.autograd.grad(result, inputs, grad), right, sums_of_absolutes(inputs, grad_scores))
    valid = target != 255
    hits = ((scores.argmax(1) == target) & valid).sum()
    assert abs(cross_entropy_sums(*inputs, target).hits - hits) <= 1 + 1e-4 * valid.sum()


@property_test
@given(IMAGES, CLASSES, SIDES, SIDES, SIZES, SIZES, THREADS)
def test_argmax(n, c, h, w, fine_h, fine_w, threads):
    torch.set_num_threads(threads)
    inputs, _, _ = problem(n, c, h, w, fine_h, fine_w)
    _, scores = in_double(inputs)
    best = global_interp_argmax(*inputs)
    chosen = scores.gather(1, best[:, None])
    assert (scores.amax(1, keepdim=True) - chosen).max() <= 1e-5 * scores.abs().max()


@pytest.mark.parametrize('threads', [1, 2, 3])
@pytest.mark.parametrize('sides', [(16, 16), (8, 32)])  # rows first, columns first
def test_the_same_sums_each_time(threads, sides):
    torch.set_num_threads(threads)
    inputs, target, grad = problem(2, 21, *sides, 125, 125)

    def gradients():
        loss = global_interp_cross_entropy(*inputs, target)
        return loss, *torch.autograd.grad(loss, inputs), *torch.autograd.grad(global_interp(*inputs), inputs, grad)

    first = gradients()
    for _ in range(5):
        assert all(torch.equal(one, other) for one, other in zip(first, gradients()))


@pytest.mark.parametrize('threads', [2, 16, 64, 128])
@pytest.mark.parametrize(
    'sizes',
    [
        (1, 21, 16, 16, 500, 500),
        (1, 21, 64, 64, 500, 500),
        (4, 21, 16, 16, 512, 512),
        (2, 150, 64, 64, 512, 512),
        (1, 19, 64, 128, 512, 1024),
        (1, 8, 64, 64, 512, 512),
        (1, 150, 64, 64, 512, 512),
        (8, 21, 64, 64, 512, 512),
        (1, 21, 8, 8, 512, 512),
        (1, 21, 128, 128, 512, 512),
        (1, 21, 32, 32, 1024, 1024),
        (4, 150, 128, 128, 512, 512),
    ],
)
def test_the_loss_works_in_a_quarter_of_the_memory_of_the_scores(sizes, threads):
    n, c, _, _, fine_h, fine_w = sizes
    floats = compiled.library().gdn_cross_entropy_workspace(*sizes, threads, True)
    assert 0 < floats <= n * c * fine_h * fine_w / 4


def test_scores_of_a_few_megabytes_take_one_at_most():
    for sizes in ((1, 2, 64, 64, 512, 512), (1, 21, 32, 32, 128, 128)):
        assert compiled.library().gdn_cross_entropy_workspace(*sizes, 128, True) <= 1 << 18


@pytest.mark.parametrize('threads', [3, 40])
def test_more_threads_than_rows_or_memory_change_nothing(threads):
    torch.set_num_threads(threads)
    inputs, target, _ = problem(2, 21, 16, 8, 33, 125)
    doubles, scores = in_double(inputs)
    loss = global_interp_cross_entropy(*inputs, target)
    expected = F.cross_entropy(scores, target, ignore_index=255)
    assert_near([loss, *torch.autograd.grad(loss, inputs)], [expected, *torch.autograd.grad(expected, doubles)])


@pytest.mark.parametrize(('sides', 'by_rows'), [((32, 4), True), ((4, 32), False)])
def test_a_large_result_is_written_past_the_caches_to_the_last_number(sides, by_rows):
    inputs, _, _ = problem(1, 9, *sides, 501, 499)
    assert rows_first(*inputs[1:]) == by_rows
    _, expected = in_double(inputs)
    assert expected.numel() > 1 << 21
    assert_near([global_interp(*inputs)], [expected])


@pytest.mark.parametrize('distance', [0.0, 1e-4, 1.0, 10.0, 30.0, 80.0, 120.0, 1e4])
def test_exponentials_and_logarithms_are_precise(distance):
    x = torch.tensor([0.0, -distance]).view(1, 2, 1, 1).requires_grad_()
    kernel = torch.ones(1, 1)
    for label in (0, 1):
        target = torch.full((1, 1, 1), label)
        loss = global_interp_cross_entropy(x, kernel, kernel, target)
        odds = x.double().flatten()[1 - label] - x.double().flatten()[label]
        expected = (F.softplus(odds) if odds > -30 else odds.exp()).squeeze()
        torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-37)
        (found,) = torch.autograd.grad(loss, x)
        (right,) = torch.autograd.grad(expected, x)
        torch.testing.assert_close(found, right, rtol=1e-5, atol=1e-37)


def test_scores_that_are_no_numbers_do_not_spoil_ignored_pixels():
    x = torch.zeros(1, 3, 1, 4)
    x[0, 1, 0, 2] = math.nan
    target = torch.tensor([[[0, 1, 255, 2]]])
    losses = global_interp_cross_entropy(x, torch.ones(1, 1), torch.eye(4), target, reduction='none')
    # The product with a matrix hands them on to the whole row, where an ignored pixel counts nothing.
    assert losses.isnan().tolist() == [[[True, True, False, True]]]
    assert losses[0, 0, 2] == 0


@pytest.fixture
def half_by_default():
    torch.set_default_dtype(torch.float16)
    yield
    torch.set_default_dtype(torch.float32)


def test_what_new_tensors_are_by_default_does_not_matter(half_by_default):
    generator = torch.Generator().manual_seed(1)
    x, kernel_h, kernel_w = (
        torch.randn(*shape, generator=generator, dtype=torch.float32, requires_grad=True)
        for shape in ((1, 5, 9, 9), (70, 9), (70, 9))
    )
    target = torch.randint(0, 5, (1, 70, 70), generator=generator)
    plain = kernel_h @ x @ kernel_w.t()
    with torch.device('meta'):
        y = global_interp(x, kernel_h, kernel_w)
        loss = global_interp_cross_entropy(x, kernel_h, kernel_w, target)
        best = global_interp_argmax(x.detach(), kernel_h, kernel_w)
        gradients = torch.autograd.grad(loss + y.mean(), (x, kernel_h, kernel_w))
    expected = F.cross_entropy(plain, target)
    torch.testing.assert_close(y, plain, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(loss, expected)
    assert best.device.type == 'cpu'
    for gradient, right in zip(gradients, torch.autograd.grad(expected + plain.mean(), (x, kernel_h, kernel_w))):
        torch.testing.assert_close(gradient, right, rtol=1e-4, atol=1e-5)


def test_a_library_of_other_sources_is_not_called(monkeypatch):
    assert compiled._load.__wrapped__()[0] is not None
    monkeypatch.setattr(compiled, '_INTERFACE', -1)
    library, problem = compiled._load.__wrapped__()
    assert library is None
    assert 'was built from other sources' in problem


def test_what_it_serves(monkeypatch):
    tensor = torch.ones(1)
    assert operators.serves(None, tensor)
    assert not operators.serves(torch.bfloat16, tensor)
    assert not operators.serves(None, tensor.double())
    assert not operators.serves(None, torch.ones(0))
    monkeypatch.setenv('MMSEG_GDN_NATIVE', '0')
    assert not operators.serves(None, tensor)


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        (lambda patch: None, 'The compiled CPU operators are used for float32.'),
        (lambda patch: patch.setenv('MMSEG_GDN_NATIVE', '0'), 'switched off by MMSEG_GDN_NATIVE=0'),
        (lambda patch: patch.setattr(compiled, '_PROCESSORS', ()), 'need a processor with AVX2'),
        (lambda patch: patch.setattr(compiled, '_INTERFACE', -1), 'built from other sources; install mmseg-gdn again'),
        (lambda patch: patch.setattr(compiled, '__file__', '/nowhere/compiled.py'), 'were not built'),
    ],
)
def test_status_says_why(monkeypatch, change, sentence):
    monkeypatch.setattr(compiled, '_load', compiled._load.__wrapped__)
    change(monkeypatch)
    assert sentence in cpu.status()


@pytest.mark.parametrize(
    ('value', 'is_on'), [('false', False), ('No', False), (' off ', False), ('', True), ('1', True), ('TRUE', True)]
)
def test_the_switch_in_the_environment_takes_words(monkeypatch, value, is_on):
    monkeypatch.setenv('MMSEG_GDN_NATIVE', value)
    assert cpu.is_available() == is_on


def test_a_switch_that_says_neither_yes_nor_no(monkeypatch):
    monkeypatch.setenv('MMSEG_GDN_NATIVE', 'flase')
    with pytest.raises(ValueError, match='MMSEG_GDN_NATIVE=flase in the environment says neither yes nor no'):
        global_interp(torch.ones(1, 1, 2, 2), torch.ones(3, 2), torch.ones(3, 2))


@pytest.mark.skipif(
    not sys.platform.startswith('linux')
    or platform.machine() != 'x86_64'
    or not shutil.which('gcc')
    or torch.backends.cpu.get_cpu_capability() not in compiled._PROCESSORS
    or compiled._is_switched_off(),
    reason='nothing is built or used here',
)
def test_was_built():
    assert cpu.is_available(), cpu.status()
