"""Files of the authors' matrices, and what only looks like them."""

import os

import numpy as np
import pytest

from mmseg_gdn.caffe import read_kernel
from mmseg_gdn.utils import InputError


@pytest.mark.parametrize(
    'matrix',
    [
        np.arange(6.0, dtype='<f4').reshape(2, 3),
        np.arange(6, dtype='>i2').reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    ],
)
def test_matrices(tmp_path, matrix):
    np.save(tmp_path / 'a.npy', matrix)
    kernel = read_kernel(tmp_path / 'a.npy')
    assert kernel.dtype == np.float32
    assert np.array_equal(kernel, matrix)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'a.npy')
    with pytest.raises(InputError, match='is not a regular file'):
        read_kernel(tmp_path / 'a.npy')


@pytest.mark.parametrize('length', [0, 6, 127, 140])
def test_files_that_are_cut(tmp_path, length):
    path = tmp_path / 'a.npy'
    np.save(path, np.zeros((8, 8), np.float32))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match='cannot be read as a .npy matrix'):
        read_kernel(path)
