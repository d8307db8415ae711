"""The operators as compilers, exporters, transforms and counters see them."""

import io

import pytest
import torch
import torch.nn.functional as F
from functorch.compile import make_boxed_func
from torch._dynamo.backends.common import aot_autograd
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from mmseg_gdn.ops import (
    cross_entropy_sums,
    global_interp,
    global_interp_argmax,
    global_interp_cross_entropy,
    library,
    reference,
)

READS_BACK = {'_local_scalar_dense', 'nonzero', 'is_nonzero', 'item', 'equal', 'masked_select', 'unique', 'aminmax'}


class Operations(TorchDispatchMode):
    """Counts the operations by name, and remembers the size in bytes of the largest result."""

    def __init__(self):
        super().__init__()
        self.counts, self.largest = {}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        self.counts[name] = self.counts.get(name, 0) + 1
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self.largest = max(self.largest, leaf.numel() * leaf.element_size())
        return result


class Model(torch.nn.Module):
    """Scores and best classes, or with labels their losses."""

    def __init__(self, kernel_h, kernel_w):
        super().__init__()
        self.kernel_h, self.kernel_w = torch.nn.Parameter(kernel_h), torch.nn.Parameter(kernel_w)

    def forward(self, x, target=None):
        if target is None:
            return global_interp(x, self.kernel_h, self.kernel_w), global_interp_argmax(x, self.kernel_h, self.kernel_w)
        sums = cross_entropy_sums(x, self.kernel_h, self.kernel_w, target)
        losses = global_interp_cross_entropy(x, self.kernel_h, self.kernel_w, target, reduction='none')
        return sums.loss / sums.weight, losses.sum(), sums.hits


@pytest.fixture
def problem(random_problem):
    (x, *kernels), target = random_problem(2, 5, 4, 6, 13, 20, torch.float32)
    return Model(*kernels), x.detach().requires_grad_(), target


@pytest.mark.parametrize('needs', [(True, True, True), (False, True, False)])
@pytest.mark.parametrize('sides', [(6, 3), (4, 6)])  # rows first, columns first
def test_schema_fake_and_autograd_fit_the_implementations(way, random_problem, needs, sides):
    inputs, target = random_problem(2, 5, *sides, 13, 20, torch.float32)
    inputs = [tensor.detach().requires_grad_(need) for tensor, need in zip(inputs, needs)]
    grad, weight = torch.rand(2, 5, 13, 20), torch.rand(5)
    detached = [tensor.detach() for tensor in inputs]
    for operator, arguments in (
        (library.global_interp, (*inputs, None)),
        (library.global_interp_backward, (grad, *detached, needs, None)),
        (library.global_interp_argmax, (*detached, None)),
        (library.cross_entropy_sums, (*inputs, target, weight, 255, None, needs, None)),
        (library.cross_entropy_losses, (*inputs, target, weight, 255, None)),
        (library.cross_entropy_losses, (*inputs, target.mT.contiguous().mT, weight, 255, None)),
        (library.cross_entropy_losses_backward, (grad[:, 0], *detached, target, weight, 255, needs, None)),
    ):
        torch.library.opcheck(
            operator, arguments, test_utils=('test_schema', 'test_autograd_registration', 'test_faketensor')
        )


@pytest.mark.parametrize('autocast', [False, True])
def test_a_compiled_training_step_has_no_break_and_the_same_results(problem, autocast):
    model, x, target = problem

    def step(module):
        with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
            results = [*module(x), *module(x, target)]
        gradients = torch.autograd.grad(
            results[0].float().mean() + results[2] + results[3], (x, model.kernel_h, model.kernel_w)
        )
        return *results, *gradients

    for compiled, eager in zip(step(torch.compile(model, fullgraph=True, backend='aot_eager')), step(model)):
        torch.testing.assert_close(compiled, eager)


def test_a_compiled_training_step_never_holds_full_size_scores(set_chunk_bytes, wide_tiles):
    set_chunk_bytes(1 << 15)
    x, kernel = torch.randn(2, 30, 6, 6, requires_grad=True), torch.randn(60, 6, requires_grad=True)
    target = torch.randint(0, 30, (2, 60, 60))
    operations = Operations()

    def observe(graph, _):
        def run(*arguments):
            with operations:
                return graph(*arguments)

        return make_boxed_func(run)

    backend = aot_autograd(fw_compiler=observe)
    loss = torch.compile(global_interp_cross_entropy, fullgraph=True, backend=backend)(x, kernel, kernel, target)
    loss.backward()
    torch.testing.assert_close(loss, F.cross_entropy(kernel @ x @ kernel.t(), target))
    assert operations.counts['cross_entropy_sums'] == 1
    assert operations.largest <= 8 * target.numel(), 'larger than one class in double precision'


def test_export_takes_any_batch(problem):
    model, x, _ = problem
    program = torch.export.export(model, (x,), dynamic_shapes=dict(x={0: torch.export.Dim('batch')}))
    names = {str(node.target) for node in program.graph.nodes}
    assert {'mmseg_gdn.global_interp.default', 'mmseg_gdn.global_interp_argmax.default'} <= names
    three = torch.cat((x, x[:1]))
    for exported, eager in zip(program.module()(three), model(three)):
        torch.testing.assert_close(exported, eager)


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning', 'ignore:.*torch.jit.*:DeprecationWarning')
@pytest.mark.parametrize('labelled', [False, True])
def test_torchscript_is_traced_saved_and_loaded(problem, labelled):
    model, x, target = problem
    example = (x, target) if labelled else (x,)
    # The checker repeats the trace without gradients, where the loss makes none.
    traced, file = torch.jit.trace(model, example, check_trace=not labelled), io.BytesIO()
    torch.jit.save(traced, file)
    file.seek(0)
    loaded = torch.jit.load(file)
    x = (2 * x).detach().requires_grad_()
    example = x, *example[1:]
    results, expected = loaded(*example), model(*example)
    for result, right in zip(results, expected):
        torch.testing.assert_close(result, right)
    torch.testing.assert_close(torch.autograd.grad(results[0].sum(), x), torch.autograd.grad(expected[0].sum(), x))


def test_vmap(problem):
    model, _, target = problem
    kernels = model.kernel_h.detach(), model.kernel_w.detach()
    x = torch.randn(3, 2, 5, 4, 6)

    torch.testing.assert_close(
        torch.vmap(lambda x: global_interp(x, *kernels))(x), torch.stack([global_interp(one, *kernels) for one in x])
    )
    for results, expected in zip(
        torch.vmap(lambda x: cross_entropy_sums(x, *kernels, target))(x),
        zip(*(cross_entropy_sums(one, *kernels, target) for one in x)),
    ):
        torch.testing.assert_close(results, torch.stack(expected))


def test_gradients_through_vmap(problem):
    model, _, target = problem
    inputs = torch.randn(3, 2, 5, 4, 6, requires_grad=True), model.kernel_h, model.kernel_w

    def loss(x, kernel_h, kernel_w):
        return global_interp_cross_entropy(x, kernel_h, kernel_w, target)

    together = torch.vmap(loss, in_dims=(0, None, None))(*inputs)
    expected = torch.stack([loss(x, *inputs[1:]) for x in inputs[0]])
    for gradient, right in zip(
        torch.autograd.grad(together.prod(), inputs), torch.autograd.grad(expected.prod(), inputs)
    ):
        torch.testing.assert_close(gradient, right)


@pytest.mark.parametrize('use_reentrant', [False, True])
@pytest.mark.parametrize('reduction', ['mean', 'none'])
def test_gradients_through_checkpointing(problem, use_reentrant, reduction):
    model, x, target = problem
    inputs = x.detach().requires_grad_(), model.kernel_h, model.kernel_w

    def loss(*inputs):
        return global_interp_cross_entropy(*inputs, target, reduction=reduction).sum()

    checkpoint(loss, *inputs, use_reentrant=use_reentrant).backward()
    for tensor, right in zip(inputs, torch.autograd.grad(loss(*inputs), inputs)):
        torch.testing.assert_close(tensor.grad, right)


@pytest.mark.parametrize('sides', [(5, 4), (2, 9)])  # rows first, columns first
def test_flops_are_those_of_the_plain_products(random_problem, sides):
    inputs, target = random_problem(2, 3, *sides, 20, 21)

    def count(function):
        with FlopCounterMode(display=False) as counter:
            function()
        return counter.get_total_flops()

    def plain():
        x, kernel_h, kernel_w = inputs
        if sides == (2, 9):
            return torch.einsum('Hh,nchW->ncHW', kernel_h, torch.einsum('nchw,Ww->nchW', x, kernel_w))
        return torch.einsum('ncHw,Ww->ncHW', torch.einsum('Hh,nchw->ncHw', kernel_h, x), kernel_w)

    forward = count(plain)
    step = count(lambda: plain().sum().backward())
    assert count(lambda: global_interp_argmax(*inputs)) == forward
    assert count(lambda: global_interp(*inputs)) == forward
    assert count(lambda: global_interp_cross_entropy(*inputs, target).backward()) == step
    # The smaller product is made again in the backward pass, as its result is not kept.
    assert step <= count(lambda: global_interp(*inputs).sum().backward()) < 1.2 * step


def test_shapes_alone():
    x, kernel_h, kernel_w = (torch.empty(shape, device='meta') for shape in ((2, 3, 4, 5), (8, 4), (10, 5)))
    target = torch.empty(2, 8, 10, dtype=torch.int64, device='meta')
    assert global_interp(x, kernel_h, kernel_w).shape == (2, 3, 8, 10)
    assert global_interp_argmax(x, kernel_h, kernel_w).shape == (2, 8, 10)
    assert global_interp_cross_entropy(x, kernel_h, kernel_w, target).device.type == 'meta'
    assert global_interp_cross_entropy(x, kernel_h, kernel_w, target, reduction='none').shape == (2, 8, 10)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize('sides', [(64, 64), (64, 128)])  # rows first, columns first
def test_a_training_step_reads_nothing_back_and_makes_few_products(sides, dtype):
    """As on a GPU, where each value that is read waits for the device, and each small product for its launch."""
    x = torch.randn(2, 21, *sides, dtype=dtype)
    kernel_h, kernel_w = (torch.randn(size, side, dtype=dtype) for size, side in zip((256, 512), sides))
    target = torch.randint(0, 21, (2, 256, 512))
    needs = True, True, True
    with Operations() as operations:
        reference.cross_entropy_sums(x, kernel_h, kernel_w, target, torch.ones(21), 255, 80.0, needs, dtype)
        reference.cross_entropy_losses_backward(
            torch.ones(target.shape), x, kernel_h, kernel_w, target, None, 255, needs, dtype
        )
    assert not READS_BACK & set(operations.counts), operations.counts
    chunks = 2 * -(-2 * 21 * 256 * 512 * 4 // reference._CHUNK_BYTES)
    assert operations.counts['mm'] <= 6 * chunks, 'two products forward and four backward for each chunk'
    assert operations.largest <= reference._CHUNK_BYTES, 'a fifth of the full-size scores in double precision'


@pytest.mark.parametrize('sides', [(16, 16), (8, 32)])  # rows first, columns first
def test_the_product_takes_few_large_products_forward_and_backward(sides):
    case = torch.randn(4, 21, *sides), torch.randn(64, sides[0]), torch.randn(64, sides[1])
    with Operations() as operations:
        y = reference.global_interp(*case, None)
        reference.global_interp_backward(y, *case, (True, True, True), None)
    assert not READS_BACK & set(operations.counts), operations.counts
    products = sum(operations.counts.get(name, 0) for name in ('mm', 'bmm', 'addmm', 'addbmm', 'baddbmm'))
    assert products <= 8
    assert operations.largest <= y.numel() * 4
