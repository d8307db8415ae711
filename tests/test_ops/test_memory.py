"""How large the tensors are that the operators make."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmseg_gdn.ops import global_interp, global_interp_argmax, global_interp_cross_entropy


class LargestTensor(TorchDispatchMode):
    """Remembers the size in bytes of the largest tensor that any operation gives."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self.bytes = max(self.bytes, leaf.numel() * leaf.element_size())
        return result


@pytest.fixture
def problem():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 30, 12, 12, generator=generator, requires_grad=True)
    kernels = [torch.randn(240, 12, generator=generator, requires_grad=True) for _ in range(2)]
    return (x, *kernels), torch.randint(0, 30, (2, 240, 240), generator=generator)


@pytest.mark.parametrize('reduction', ['mean', 'none'])
def test_the_loss_never_holds_full_size_scores(problem, reduction, set_chunk_bytes):
    inputs, target = problem
    set_chunk_bytes(1 << 18)
    with LargestTensor() as largest:
        loss = global_interp_cross_entropy(*inputs, target, reduction=reduction)
        loss.sum().backward()
    one_class = target.numel() * 8
    assert largest.bytes <= one_class


def test_argmax_never_holds_full_size_scores(problem, set_chunk_bytes):
    inputs, target = problem
    set_chunk_bytes(1 << 18)
    with LargestTensor() as largest:
        global_interp_argmax(*inputs)
    assert largest.bytes == target.numel() * 8


def test_the_product_makes_nothing_larger_than_its_result(problem):
    inputs, _ = problem
    with LargestTensor() as largest:
        y = global_interp(*inputs)
        y.sum().backward()
    assert largest.bytes == y.numel() * 4
