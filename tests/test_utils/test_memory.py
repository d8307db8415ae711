"""A lack of memory is told from other errors."""

import pytest
import torch

from mmseg_gdn.utils.memory import is_lack_of_memory


@pytest.mark.parametrize('size', [2**50, (2**40, 2**40)], ids=['too large', 'beyond all numbers'])
def test_what_pytorch_says(size):
    with pytest.raises(RuntimeError) as caught:
        torch.empty(size)
    assert is_lack_of_memory(caught.value)


def test_other_errors():
    assert is_lack_of_memory(MemoryError())
    assert not is_lack_of_memory(RuntimeError('CUDA error: an illegal memory access was encountered'))
    assert not is_lack_of_memory(ValueError('out of memory'))
