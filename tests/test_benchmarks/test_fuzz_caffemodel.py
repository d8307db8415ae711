"""The fuzzer of the reader of Caffe models: what it makes, and that it notices what is wrong."""

import importlib
import random

import numpy as np
import pytest

from mmseg_gdn.utils import InputError


@pytest.fixture
def fuzz(monkeypatch, pytestconfig):
    monkeypatch.syspath_prepend(pytestconfig.rootpath / 'benchmarks' / 'reliability')
    return importlib.import_module('fuzz_caffemodel')


def test_files_of_all_kinds_are_read_or_refused(fuzz, tmp_path):
    fuzzer = fuzz.Fuzzer(tmp_path)
    for number, (kind, content) in zip(range(400), fuzz.inputs(random.Random(0))):
        fuzzer.execute(number, kind, content)
    fuzzer.execute(400, 'many small parts', fuzz.many(random.Random(0)))
    assert not fuzzer.failed
    assert len(fuzzer.done) == 5
    assert all(fuzzer.read[kind] and fuzzer.refused[kind] for kind in ('changed bytes', 'changed lengths', 'made up'))


@pytest.mark.parametrize(
    ('reader', 'failure'),
    [
        (lambda path: 1 // 0, 'error'),
        (lambda path: np.ones(2**20), 'memory'),
    ],
)
def test_what_is_wrong_is_noticed(fuzz, tmp_path, monkeypatch, reader, failure):
    fuzzer = fuzz.Fuzzer(tmp_path)
    monkeypatch.setattr(fuzz, 'read_caffemodel', reader)
    fuzzer.execute(7, 'any', b'content')
    assert fuzzer.failed == {('any', failure): 1}
    assert (tmp_path / f'{failure}_7.caffemodel').read_bytes() == b'content'


def test_a_refusal_is_no_failure(fuzz, tmp_path, monkeypatch):
    fuzzer = fuzz.Fuzzer(tmp_path)

    def refuse(path):
        raise InputError('no')

    monkeypatch.setattr(fuzz, 'read_caffemodel', refuse)
    fuzzer.execute(7, 'any', b'content')
    assert not fuzzer.failed
