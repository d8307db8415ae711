"""The operators where nothing of MMSegmentation is installed, and the example of docs/plain_pytorch.md."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .conftest import ROOT

STACK = ('mm', 'onedl', '__editable__')


@pytest.fixture
def run(tmp_path):
    """Run Python code where the packages of this environment are, but those of the stack."""
    packages = tmp_path / 'packages'
    packages.mkdir()
    for entry in Path(sysconfig.get_path('purelib')).iterdir():
        if not entry.name.startswith(STACK):
            (packages / entry.name).symlink_to(entry)
    (packages / 'mmseg_gdn').symlink_to(ROOT / 'mmseg_gdn')

    def run_code(code):
        # -S leaves out this environment's own packages.
        return subprocess.run(
            [sys.executable, '-S', '-c', code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ | {'PYTHONPATH': str(packages)},
            check=False,
        )

    return run_code


@pytest.mark.slow
def test_the_operators_compute(run):
    result = run("""
import sys
import torch
from mmseg_gdn.ops import global_interp, global_interp_argmax, global_interp_cross_entropy

x, k_h, k_w = torch.rand(2, 3, 4, 5), torch.rand(8, 4), torch.rand(10, 5)
scores = global_interp(x, k_h, k_w)
assert torch.allclose(scores, k_h @ x @ k_w.T)
assert torch.equal(global_interp_argmax(x, k_h, k_w), scores.argmax(1))
target = scores.argmin(1)
loss = global_interp_cross_entropy(x, k_h, k_w, target)
assert torch.allclose(loss, torch.nn.functional.cross_entropy(scores, target))
assert not [name for name in sys.modules if name.startswith('mm') and not name.startswith(('mmap', 'mmseg_gdn'))]
""")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    'code', ['import mmseg_gdn; mmseg_gdn.models', 'from mmseg_gdn import engine', 'import mmseg_gdn.parts']
)
def test_all_else_says_what_to_install(run, code):
    result = run(code)
    assert result.returncode == 1
    assert 'mmseg_gdn needs MMSegmentation, which is not installed; run: pip install ' in result.stderr


def test_a_name_that_is_no_part(run):
    result = run('import mmseg_gdn; mmseg_gdn.nothing')
    assert "module 'mmseg_gdn' has no attribute 'nothing'" in result.stderr


@pytest.mark.slow
def test_the_example_of_the_documentation(run):
    page = (ROOT / 'docs' / 'plain_pytorch.md').read_text()
    examples = re.findall(r'```python\n(.*?)```', page, flags=re.DOTALL)
    assert examples
    result = run('\n'.join(examples))
    assert result.returncode == 0, result.stderr
    stated = re.findall(r'```text\n(.*?)```', page, flags=re.DOTALL)
    assert result.stdout == ''.join(stated)
