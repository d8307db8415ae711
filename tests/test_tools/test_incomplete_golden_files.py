"""What tools/verify_caffe.py says about files that are not whole."""

import json

import numpy as np
import pytest

from caffe_golden.golden_file import complete_checks
from mmseg_gdn.utils import InputError


@pytest.fixture
def check():
    return lambda path: list(complete_checks(path))


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([], 'is not a whole golden file'),
        ({}, 'holds nothing that could be compared'),
        (5, 'is not a whole golden file'),
        ({'a': 5}, 'has no height and width for each blob of a'),
        ({'a': {'pool1': [5, 5]}}, 'has no height and width'),
        ({'a': {'data': [5, '5']}}, 'has no height and width'),
        ({'a': {'data': [10**9, 10**9]}}, 'sides are 1 to 2000'),
    ],
)
def test_tables_of_another_kind(check, tmp_path, content, message):
    path = tmp_path / 'sizes.json'
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        check(path)


@pytest.mark.parametrize('content', [b'', b'{', b'\xff\xfe', b'[' * 100_000])
def test_tables_that_cannot_be_read(check, tmp_path, content):
    path = tmp_path / 'sizes.json'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'sizes\.json cannot be read'):
        check(path)


@pytest.mark.parametrize(
    'arrays',
    [
        {},
        {'param/conv1_1/0': np.zeros((2, 3, 3, 3), np.float32)},
    ],
)
def test_archives_with_nothing_to_compare(check, tmp_path, arrays):
    np.savez(tmp_path / 'a.npz', **arrays)
    with pytest.raises(InputError, match='holds nothing that could be compared|is not a whole golden file'):
        check(tmp_path / 'a.npz')


def test_the_arrays_of_a_model_need_nothing_else(check, root_dir):
    assert check(root_dir / 'tests/data/golden/v1_legacy.npz') == []


@pytest.mark.parametrize(
    ('name', 'lost'),
    [
        ('gdn_layer.npz', 'mid/blob0'),
        ('solver_traj.npz', 'meta'),
        ('solver_traj.npz', 'init/conv1/0'),
        ('fcn32s_thin.npz', 'param/fc6/0'),
    ],
)
def test_archives_that_lack_an_array(check, root_dir, tmp_path, name, lost):
    with np.load(root_dir / 'tests/data/golden' / name) as stored:
        arrays = {key: array for key, array in stored.items() if key != lost}
    np.savez(tmp_path / name, **arrays)
    with pytest.raises(InputError, match=f'{name} (is not a whole golden file|holds nothing that could be compared)'):
        check(tmp_path / name)
