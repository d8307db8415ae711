"""The random comparison of the operators with double precision, and that it notices what is wrong."""

import importlib
import shutil

import pytest
import torch

from mmseg_gdn.ops import cpu


@pytest.fixture
def operators(monkeypatch, pytestconfig):
    monkeypatch.syspath_prepend(pytestconfig.rootpath / 'benchmarks' / 'reliability')
    threads = torch.get_num_threads()
    yield importlib.import_module('operators')
    torch.set_num_threads(threads)


@pytest.mark.parametrize('way', ['compiled', 'PyTorch', 'PyTorch, double'])
def test_random_problems(operators, way, monkeypatch):
    native, dtype = operators.WAYS[way]
    monkeypatch.setenv('MMSEG_GDN_NATIVE', native)
    if way == 'compiled' and not cpu.is_available():
        pytest.skip('the compiled operators were not built or are not for this processor')
    tally = operators.Tally()
    for number in range(40):
        operators.check(operators.draw(number, 0, dtype), tally, number)
    assert tally.off == 0
    assert {'product', 'hits', 'refused: labels', 'loss, gradient of x'} <= set(tally.problems)


@pytest.mark.parametrize(
    ('name', 'change'),
    [
        ('global_interp', lambda result: result * (1 + 1e-4)),
        ('global_interp_argmax', lambda result: (result + 1).clamp(max=0)),
        ('global_interp_cross_entropy', lambda result: result * (1 + 1e-3)),
    ],
)
def test_what_is_wrong_is_noticed(operators, name, change, monkeypatch):
    right = getattr(operators, name)
    monkeypatch.setattr(operators, name, lambda *args, **kwargs: change(right(*args, **kwargs)))
    tally = operators.Tally()
    for number in range(30):
        operators.check(operators.draw(number, 0, torch.float32), tally, number)
    assert tally.off


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which('gcc') or not cpu.is_available(), reason='needs gcc and a processor with AVX2')
def test_threads_do_not_write_where_others_read(operators, tmp_path):
    assert importlib.import_module('sanitized_operators').run_with_threads(tmp_path, cases=20, seed=0) == 0
