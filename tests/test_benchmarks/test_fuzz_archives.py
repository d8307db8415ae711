"""The fuzzer of archives, masks and lists: it finds nothing in what it reads, and it would find something."""

import importlib

import pytest
from hypothesis import strategies as st


@pytest.fixture
def fuzz_archives(monkeypatch, pytestconfig):
    monkeypatch.syspath_prepend(pytestconfig.rootpath / 'benchmarks' / 'reliability')
    return importlib.import_module('fuzz_archives')


def test_nothing_is_found(fuzz_archives, tmp_path, capsys):
    assert fuzz_archives.main(['--executions', '300', '--keep', str(tmp_path / 'kept')]) == 0
    rows = [row.strip('| ').split(' | ') for row in capsys.readouterr().out.splitlines()[2:]]
    assert sum(int(row[1]) for row in rows) >= 300
    assert all(int(taken) and int(refused) for _, _, taken, refused, *_ in rows)
    assert not (tmp_path / 'kept').exists()


def crash(case, folder):
    raise KeyError('a')


def leave_a_file(case, folder):
    (folder / '../left').write_bytes(case)


@pytest.mark.parametrize(('run', 'problem'), [(crash, "KeyError: 'a'"), (leave_a_file, "left ['left']")])
def test_something_is_found(fuzz_archives, monkeypatch, tmp_path, capsys, run, problem):
    monkeypatch.setattr(fuzz_archives, 'TARGETS', {'bytes': (st.just(b'fed'), 1, run)})
    assert fuzz_archives.main(['--executions', '1', '--keep', str(tmp_path / 'kept')]) == 1
    assert (tmp_path / 'kept/bytes-0').read_bytes() == b'fed'
    assert problem in capsys.readouterr().err


def test_what_takes_long_is_found(fuzz_archives, monkeypatch, tmp_path):
    monkeypatch.setattr(fuzz_archives, 'SLOWEST', -1)
    monkeypatch.setattr(fuzz_archives, 'TARGETS', {'bytes': (st.just(b'fed'), 1, lambda case, folder: None)})
    assert fuzz_archives.main(['--executions', '1', '--keep', str(tmp_path / 'kept')]) == 1
