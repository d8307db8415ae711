"""``--help`` of every command answers without importing what takes seconds."""

import re
import subprocess
import sys

import pytest

from mmseg_gdn.utils.commands import COMMANDS

from .conftest import ROOT

SLOW = {'torch', 'mmseg', 'mmcv', 'matplotlib', 'cv2'}


def imported(*command):
    result = subprocess.run(
        [sys.executable, '-X', 'importtime', *command, '--help'], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith('usage: ')
    return set(re.findall(r'\| +(\w+)$', result.stderr, flags=re.MULTILINE))


@pytest.mark.parametrize('script', COMMANDS.values())
def test_of_a_script(script):
    modules = imported(f'tools/{script}')
    assert 'argparse' in modules
    assert not modules & SLOW


@pytest.mark.parametrize('command', [[], ['train'], ['run']], ids=' '.join)
def test_of_the_package(command):
    assert not imported('-m', 'mmseg_gdn', *command) & SLOW


def test_every_tool_is_a_command():
    tools = {
        path.relative_to(ROOT / 'tools').as_posix()
        for path in (ROOT / 'tools').rglob('*.py')
        if 'run_tool(main)' in path.read_text() and path.parent.name != 'reproduction'
    }
    assert tools == set(COMMANDS.values())
