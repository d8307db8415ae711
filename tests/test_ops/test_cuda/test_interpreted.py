"""All tests of the operators once more, on the Triton kernels in Triton's interpreter."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from mmseg_gdn.ops import cuda

FILES = (
    'test_global_interp.py',
    'test_global_interp_argmax.py',
    'test_global_interp_cross_entropy.py',
    'test_library.py',
    'test_cuda/test_kernels.py',
)
# Tests of the reference itself, which the kernels have no part in.
OF_THE_REFERENCE = (
    'test_a_training_step_reads_nothing_back_and_makes_few_products',
    'test_the_product_takes_few_large_products_forward_and_backward',
)


@pytest.fixture(autouse=True)
def way():
    """Not for each implementation."""


@pytest.mark.slow
@pytest.mark.skipif(find_spec('triton') is None, reason='Triton is not installed')
@pytest.mark.skipif(cuda.INTERPRETED, reason='this is the interpreter')
@pytest.mark.parametrize('file', FILES)
def test_in_the_interpreter(root_dir, file):
    chosen = ' and '.join(f'not {name}' for name in OF_THE_REFERENCE)
    result = subprocess.run(
        [
            sys.executable,
            '-m',
            'pytest',
            '-q',
            '-p',
            'no:cacheprovider',
            '-k',
            chosen,
            str(root_dir / 'tests' / 'test_ops' / file),
        ],
        cwd=root_dir,
        env={**os.environ, 'TRITON_INTERPRET': '1', 'OMP_NUM_THREADS': '1'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-5000:]
    assert ' passed' in result.stdout
