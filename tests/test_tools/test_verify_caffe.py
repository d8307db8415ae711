"""Equality with Caffe, by the tool that a user runs."""

import os
import re
import shutil

import numpy as np
import pytest

REDUCED = 'tests/data/golden'


def spoil(path, key):
    """Change one weight by 1 %: the largest, because a weight may be zero."""
    arrays = dict(np.load(path))
    flat = arrays[key].reshape(-1)
    flat[np.abs(flat).argmax()] *= 1.01
    np.savez(path, **arrays)


@pytest.mark.slow
def test_everything_in_the_reduced_set_is_equal(run_script):
    result = run_script('tools/verify_caffe.py', REDUCED)
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    assert re.search(r'(\d+) quantities in \d+ files, 0 off', lines[-1])
    assert sum(line.startswith('ok ') for line in lines) == int(lines[-1].split()[1])
    for part in (
        'lossnorm/floor_loss',
        'grad/gdn/0',
        'diff/data',
        'total_loss',
        'traj/gdn/0',
        'bounds_f64',
        'fcn32s_500x375',
        'v1_legacy: fc6',
    ):
        assert part in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ('name', 'key'),
    [
        ('fcn32s_thin.npz', 'param/conv3_2/0'),
        ('deeplab_gdn_thin.npz', 'param/fc8_voc12/0'),
        ('fcn32s_gdn_thin.npz', 'b75x110_n2/param/gdn/0'),
        ('gdn_layer.npz', 'mid/blob0'),
        ('solver_traj.npz', 'init/conv1/0'),
        ('v1_legacy.npz', 'param/fc6/0'),
    ],
)
def test_one_weight_changed_by_one_percent_shows(run_script, tmp_path, name, key):
    for part in (name, name.replace('.npz', '.caffemodel')):
        if os.path.exists(os.path.join(REDUCED, part)):
            shutil.copy(os.path.join(REDUCED, part), tmp_path)
    spoil(tmp_path / name, key)
    result = run_script('tools/verify_caffe.py', tmp_path, '--quiet')
    assert result.returncode == 1
    assert 'OFF ' in result.stdout


@pytest.mark.slow
def test_everything_in_the_whole_set_is_equal(run_script, full_golden_dir):
    result = run_script('tools/verify_caffe.py', full_golden_dir, '--quiet')
    assert result.returncode == 0, result.stdout
    assert 'released_K.npz' in result.stdout


def test_nothing_to_compare(run_script, tmp_path):
    result = run_script('tools/verify_caffe.py', tmp_path)
    assert result.returncode == 1
    assert 'has no golden files' in result.stderr


def test_a_damaged_file_is_named(run_script, tmp_path):
    (tmp_path / 'a.npz').write_bytes(b'PK no archive')
    result = run_script('tools/verify_caffe.py', tmp_path)
    assert result.returncode == 1
    assert 'error: ' in result.stderr
    assert 'a.npz cannot be read' in result.stderr
