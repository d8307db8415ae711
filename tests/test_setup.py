"""Installation without a compiler."""

import os
import platform
import subprocess
import sys

import pytest


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ('Linux', 'x86_64'),
    reason='the operators are compiled on Linux and x86-64 only',
)
def test_a_failed_compilation_is_said_once_at_the_end(root_dir, tmp_path):
    result = subprocess.run(
        [
            sys.executable,
            'setup.py',
            'build_ext',
            '--build-lib',
            str(tmp_path / 'lib'),
            '--build-temp',
            str(tmp_path / 'temp'),
        ],
        cwd=root_dir,
        env={**os.environ, 'CC': 'false'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    *earlier, last = result.stdout.splitlines()
    assert last.startswith('NOTE: mmseg_gdn.ops.')
    assert 'was not compiled' in last
    assert 'install gcc or clang with OpenMP and install again' in last
    assert not any('NOTE' in line or 'warning' in line for line in earlier)
