"""When the Triton kernels are used."""

import json
import warnings
from importlib.util import module_from_spec, spec_from_file_location

import pytest
import torch
import torch.nn.functional as F

from mmseg_gdn.ops import cuda, global_interp_cross_entropy
from mmseg_gdn.ops.cuda import operators, switch

GPU, NAME = torch.device('cuda'), 'global_interp_argmax'
pytestmark = pytest.mark.skipif(cuda.INTERPRETED, reason='switched on in the interpreter')


@pytest.fixture(autouse=True)
def way(monkeypatch, tmp_path):
    """A GPU of compute capability 9.0, no record of measurements, nothing in the environment."""
    monkeypatch.delenv('MMSEG_GDN_TRITON', raising=False)
    monkeypatch.setattr(switch, '_problems', [])
    monkeypatch.setattr(switch, '_MEASURED', tmp_path / 'measured.json')
    monkeypatch.setattr(switch, '_measured', switch._measured.__wrapped__)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device: (9, 0))


@pytest.fixture
def measured():
    switch._MEASURED.write_text(json.dumps({'9.0': {'result': 'x.json', 'faster': {NAME: ['bfloat16']}}}))


def test_off_without_a_measurement():
    assert not switch.is_on(NAME, torch.bfloat16, GPU)
    assert 'no GPU was measured yet; MMSEG_GDN_TRITON=1 switches them on' in cuda.status()


def test_on_for_what_was_measured_to_be_faster(measured, monkeypatch):
    assert switch.is_on(NAME, torch.bfloat16, GPU)
    assert not switch.is_on(NAME, torch.float32, GPU)
    assert not switch.is_on('global_interp', torch.bfloat16, GPU)
    assert 'compute capability 9.0' in cuda.status()
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device: (8, 0))
    assert not switch.is_on(NAME, torch.bfloat16, GPU)


@pytest.mark.parametrize(('value', 'is_on'), [('1', True), ('TRUE', True), (' on ', True), ('0', False), ('No', False)])
def test_the_switch_in_the_environment_takes_words(monkeypatch, measured, value, is_on):
    monkeypatch.setenv('MMSEG_GDN_TRITON', value)
    assert switch.is_on(NAME, torch.bfloat16, GPU) == is_on
    assert switch.is_on(NAME, torch.float32, GPU) == is_on
    assert f'switched {"on" if is_on else "off"} by MMSEG_GDN_TRITON={value}' in cuda.status()


def test_a_switch_that_says_neither_yes_nor_no(monkeypatch):
    monkeypatch.setenv('MMSEG_GDN_TRITON', 'flase')
    with pytest.raises(ValueError, match='MMSEG_GDN_TRITON=flase in the environment says neither yes nor no'):
        operators.global_interp(torch.ones(1, 1, 2, 2), torch.ones(3, 2), torch.ones(3, 2), None)


def test_never_for_what_kernels_cannot_do(monkeypatch):
    monkeypatch.setenv('MMSEG_GDN_TRITON', '1')
    assert not switch.is_on(NAME, torch.float64, GPU)
    assert not switch.is_on(NAME, torch.float32, torch.device('cpu'))


def test_a_failed_compilation_leaves_the_work_to_the_reference_with_one_warning(monkeypatch):
    monkeypatch.setenv('MMSEG_GDN_TRITON', '1')
    monkeypatch.setattr(operators, '_serves', lambda *_: not switch._problems)

    def fail(module):
        raise RuntimeError(f'no compiler for {module}')

    monkeypatch.setattr(operators, '_kernels', fail)
    x, kernel, target = torch.randn(1, 3, 2, 2), torch.randn(4, 2), torch.zeros(1, 4, 4, dtype=torch.long)
    arguments = x, kernel, kernel, target, None, 255, None, (False, False, False), None
    with pytest.warns(RuntimeWarning, match='no compiler for cross_entropy.*MMSEG_GDN_TRITON=0') as caught:
        first = operators.cross_entropy_sums(*arguments)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        second = operators.cross_entropy_sums(*arguments)
    for loss in (first[0], second[0]):
        torch.testing.assert_close(loss, F.cross_entropy(kernel @ x @ kernel.t(), target, reduction='sum'))
    assert 'could not be compiled or started' in cuda.status()


def test_too_little_memory_is_not_taken_for_a_failed_compilation(monkeypatch):
    monkeypatch.setattr(operators, '_serves', lambda *_: True)

    def fail(module):
        raise torch.cuda.OutOfMemoryError('too little memory')

    monkeypatch.setattr(operators, '_kernels', fail)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        operators.global_interp_argmax(torch.ones(1, 1, 2, 2), torch.ones(3, 2), torch.ones(3, 2), None)
    assert not switch._problems


@pytest.mark.parametrize(
    ('value', 'interpreted'), [('1', True), ('true', True), ('ON', True), ('0', False), ('', False)]
)
def test_the_interpreter_is_switched_on_by_the_words_that_triton_takes(monkeypatch, value, interpreted):
    monkeypatch.setenv('TRITON_INTERPRET', value)
    spec = spec_from_file_location('another_switch', switch.__file__)
    spec.loader.exec_module(another := module_from_spec(spec))
    assert another.INTERPRETED is interpreted


def test_without_triton(monkeypatch):
    monkeypatch.setattr(switch, 'find_spec', lambda name: None)
    monkeypatch.setenv('MMSEG_GDN_TRITON', '1')
    assert 'Triton is not installed' in cuda.status()


def test_tensors_on_the_cpu_are_not_for_the_kernels(monkeypatch):
    monkeypatch.setenv('MMSEG_GDN_TRITON', '1')
    x, kernel = torch.randn(1, 3, 2, 2), torch.randn(4, 2)
    loss = global_interp_cross_entropy(x, kernel, kernel, torch.zeros(1, 4, 4, dtype=torch.long))
    assert loss.isfinite()
    assert not switch._problems
