"""``python -m mmseg_gdn``."""

import re
import subprocess
import sys

import pytest
import torch

import mmseg_gdn
from mmseg_gdn import doctor
from mmseg_gdn.stack import find_stack
from mmseg_gdn.utils.commands import COMMANDS


def run(env=None):
    result = subprocess.run([sys.executable, '-m', 'mmseg_gdn'], env=env, capture_output=True, text=True, check=False)
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    return result, lines


def test_a_line_per_part():
    result, lines = run()
    assert result.returncode == 0, result.stdout + result.stderr
    assert list(lines) == ['mmseg_gdn', 'python', 'torch', 'stack', 'operators', 'devices', 'data', 'weights', 'disk']
    assert lines['mmseg_gdn'].startswith(mmseg_gdn.__version__)
    assert torch.__version__.split('+')[0] in lines['torch']
    assert lines['stack'] == find_stack().describe()
    assert 'CPU' in lines['devices']


def test_a_stack_that_cannot_work(with_both_stacks):
    result, lines = run(with_both_stacks)
    assert result.returncode == 1
    assert lines['error'].startswith('Both stacks are installed')
    assert 'pip uninstall -y ' in lines['error']
    assert {'torch', 'operators', 'devices'} <= set(lines), 'the other parts are still looked at'
    assert 'Traceback' not in result.stderr


def test_operators_switched_off(monkeypatch):
    monkeypatch.setenv('MMSEG_GDN_NATIVE', '0')
    (line,) = doctor.check_operators()
    assert 'MMSEG_GDN_NATIVE=0' in line.text
    assert not line.failed


@pytest.mark.parametrize('part', ['models', 'engine'])
def test_a_part_that_cannot_be_imported(monkeypatch, part):
    monkeypatch.setitem(sys.modules, f'mmseg_gdn.{part}', None)
    line = list(doctor.check_stack())[-1]
    assert line.failed
    assert f'mmseg_gdn.{part} cannot be imported' in line.text


def test_without_torch(monkeypatch):
    monkeypatch.setattr(doctor, 'import_failure', lambda module: "No module named 'torch'")
    (line,) = doctor.check_operators()
    assert line.failed
    assert "No module named 'torch'" in line.text
    assert list(doctor.check_devices()) == []


def command(*args):
    return subprocess.run([sys.executable, '-m', 'mmseg_gdn', *args], capture_output=True, text=True, check=False)


def test_help_lists_the_commands():
    listed = dict(re.findall(r'^  ([\w-]+) +(\w.*)', command('--help').stdout, flags=re.MULTILINE))
    assert {*COMMANDS, 'doctor', 'run', 'where'} <= set(listed)
    cut = [text for text in listed.values() if re.search(r'[(`]|\W$', text)]
    assert not cut, 'the first sentences of the docstrings do not end where they are cut'


def test_a_misspelt_command():
    result = command('trian')
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].endswith('there is no command trian; did you mean train?')


def test_a_config_that_does_not_exist_is_no_command():
    result = command('nothing.py')
    assert result.returncode == 1
    assert 'There is no config nothing.py' in result.stdout


def test_the_folder_of_configs_and_tools(root_dir):
    assert command('where').stdout == f'{root_dir}\n'


def test_a_script_runs_as_python_would_run_it(tmp_path):
    (tmp_path / 'beside.py').write_text('NAME = "beside"\n')
    (tmp_path / 'script.py').write_text("""
import sys
from beside import NAME
from mmseg.apis import init_model  # which mmcv-lite alone does not let import
from mmseg.registry import MODELS
print(__name__, sys.argv[1:], NAME, 'GlobalInterpHead' in MODELS)
sys.exit(3)
""")
    result = command('run', str(tmp_path / 'script.py'), '--one', 'two')
    assert result.returncode == 3, result.stderr
    assert result.stdout == "__main__ ['--one', 'two'] beside True\n"


def test_a_script_that_does_not_exist():
    result = command('run', 'nothing.py')
    assert result.returncode == 1
    assert result.stderr.startswith('error: There is no script nothing.py')
