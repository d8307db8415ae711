"""Random problems for the operators, chunks so small that each problem needs several, and all implementations."""

from importlib import import_module

import pytest
import torch
from hypothesis import settings

from mmseg_gdn.ops import cpu, cuda, reference

if cuda.INTERPRETED:  # which takes milliseconds for what a GPU does in nanoseconds
    settings.register_profile('interpreted', max_examples=6)
    settings.load_profile('interpreted')


@pytest.fixture(autouse=True, params=['triton'] if cuda.INTERPRETED else ['compiled', 'reference'])
def way(request, monkeypatch):
    """Every test of an operator runs with the compiled code and with the reference.

    With ``TRITON_INTERPRET=1`` in the environment, it runs with the Triton kernels in Triton's interpreter instead;
    ``test_cuda/test_interpreted.py`` starts that.
    """
    if request.param == 'triton':
        request.getfixturevalue('triton_kernels')
    elif request.param == 'reference':
        monkeypatch.setenv('MMSEG_GDN_NATIVE', '0')
    else:
        request.getfixturevalue('compiled')
    return request.param


@pytest.fixture
def triton_kernels(monkeypatch):
    """The kernels, which must not have left anything to the reference because they failed."""
    monkeypatch.setenv('MMSEG_GDN_TRITON', '1')
    monkeypatch.setattr(cuda.switch, '_problems', problems := [])
    yield
    assert not problems


@pytest.fixture
def compiled():
    """The compiled code; that it is there wherever it can be is what ``test_was_built`` tests."""
    if not cpu.is_available():
        pytest.skip('the compiled operators were not built or are not for this processor')


def _with_chunks(way):
    modules = ('cross_entropy', 'argmax') if way == 'triton' else ()
    return reference, *(import_module(f'mmseg_gdn.ops.cuda.{module}') for module in modules)


@pytest.fixture
def set_chunk_bytes(monkeypatch, way):
    def set_bytes(size):
        for module in _with_chunks(way):
            monkeypatch.setattr(module, '_CHUNK_BYTES', size)

    return set_bytes


@pytest.fixture
def small_chunks(set_chunk_bytes, monkeypatch, way):
    """Several chunks, and several tiles each way."""
    set_chunk_bytes(256)
    if way == 'triton':
        _set_tiles(monkeypatch, 8, 4, 4)


@pytest.fixture
def wide_tiles(monkeypatch, way):
    """Few tiles for many pixels: the interpreter takes as long for a narrow one."""
    if way == 'triton':
        _set_tiles(monkeypatch, 512, 32, 16)


def _set_tiles(monkeypatch, pixels, classes, cells):
    tiles = import_module('mmseg_gdn.ops.cuda.tiles')
    for name in ('tiles_of_scores', 'tiles_of_gradients'):
        monkeypatch.setattr(tiles, name, lambda *_: tiles.Tiles(pixels, classes, cells, 4, 1))


@pytest.fixture
def random_problem():
    def make(n, c, h, w, fine_h, fine_w, dtype=torch.float64, spread=1.0, ignored=0.2, seed=1):
        generator = torch.Generator().manual_seed(seed)
        shapes = (n, c, h, w), (fine_h, h), (fine_w, w)
        x, kernel_h, kernel_w = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
        target = torch.randint(0, c, (n, fine_h, fine_w), generator=generator)
        target[torch.rand(target.shape, generator=generator) < ignored] = 255
        inputs = [tensor.requires_grad_() for tensor in ((x * spread).detach(), kernel_h, kernel_w)]
        return inputs, target

    return make
