"""Random problems for the operators, chunks so small that each problem needs several, and both implementations."""

import pytest
import torch

from mmseg_gdn.ops import cpu, reference


@pytest.fixture(autouse=True, params=['compiled', 'reference'])
def way(request, monkeypatch):
    """Every test of an operator runs with the compiled code and with the reference."""
    if request.param == 'reference':
        monkeypatch.setenv('MMSEG_GDN_NATIVE', '0')
    else:
        request.getfixturevalue('compiled')
    return request.param


@pytest.fixture
def compiled():
    """The compiled code; that it is there wherever it can be is what ``test_was_built`` tests."""
    if not cpu.is_available():
        pytest.skip('the compiled operators were not built or are not for this processor')


@pytest.fixture
def set_chunk_bytes(monkeypatch):
    return lambda size: monkeypatch.setattr(reference, '_CHUNK_BYTES', size)


@pytest.fixture
def small_chunks(set_chunk_bytes):
    set_chunk_bytes(256)


@pytest.fixture
def random_problem():
    def make(n, c, h, w, fine_h, fine_w, dtype=torch.float64, spread=1., ignored=0.2, seed=1):
        generator = torch.Generator().manual_seed(seed)
        shapes = (n, c, h, w), (fine_h, h), (fine_w, w)
        x, kernel_h, kernel_w = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
        target = torch.randint(0, c, (n, fine_h, fine_w), generator=generator)
        target[torch.rand(target.shape, generator=generator) < ignored] = 255
        inputs = [tensor.requires_grad_() for tensor in ((x * spread).detach(), kernel_h, kernel_w)]
        return inputs, target

    return make
