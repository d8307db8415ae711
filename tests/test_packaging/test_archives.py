"""What the source archive and the wheel hold."""

import email
import subprocess
import tarfile
import zipfile

import pytest
import yaml

import mmseg_gdn
from mmseg_gdn.utils.commands import COMMANDS

from .conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def wheel(archives):
    (path,) = archives.glob('*.whl')
    with zipfile.ZipFile(path) as opened:
        yield opened


def tracked(*folders):
    listed = subprocess.run(['git', 'ls-files', *folders], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip('not in a clone')
    return listed.stdout.split()


def test_the_wheel_has_configs_tools_and_index_where_mmseg_has_them(wheel):
    names = set(wheel.namelist())
    for path in tracked('configs', 'tools', 'checkpoints', 'model-index.yml'):
        assert f'mmseg_gdn/.mim/{path}' in names, path
    for path in tracked('mmseg_gdn'):
        assert path in names or path.endswith(('.c', '.h')), path
    assert not [name for name in names if name.endswith('.pyc') or name.startswith(('tests/', 'benchmarks/'))]


def test_the_wheel_is_typed_and_states_what_is_tested(wheel):
    assert 'mmseg_gdn/py.typed' in wheel.namelist()
    (path,) = (name for name in wheel.namelist() if name.endswith('.dist-info/METADATA'))
    metadata = email.message_from_bytes(wheel.read(path))
    assert metadata['Version'] == mmseg_gdn.__version__
    assert metadata['Requires-Python'] == '>=3.9'
    assert 'Typing :: Typed' in metadata.get_all('Classifier')
    tested = {line.rsplit(' ', 1)[-1] for line in metadata.get_all('Classifier') if 'Python :: 3.' in line}
    assert tested == {'3.9', '3.11'}
    (entries,) = (name for name in wheel.namelist() if name.endswith('.dist-info/entry_points.txt'))
    assert 'mmseg-gdn = mmseg_gdn.cli.main:main' in wheel.read(entries).decode()


def test_every_command_and_every_model_has_its_files(wheel):
    names = set(wheel.namelist())
    assert names.issuperset(f'mmseg_gdn/.mim/tools/{script}' for script in COMMANDS.values())
    for index in yaml.safe_load(wheel.read('mmseg_gdn/.mim/model-index.yml'))['Import']:
        for model in yaml.safe_load(wheel.read(f'mmseg_gdn/.mim/{index}'))['Models']:
            assert f'mmseg_gdn/.mim/{model["Config"]}' in names
            assert f'mmseg_gdn/.mim/{model.get("Weights", model["Config"])}' in names


def test_the_source_archive_has_what_the_wheel_is_made_of(archives):
    (archive,) = archives.glob('*.tar.gz')
    with tarfile.open(archive) as opened:
        names = {name.partition('/')[2] for name in opened.getnames()}
    assert names.issuperset(tracked('configs', 'tools', 'checkpoints', 'model-index.yml', 'requirements', 'mmseg_gdn'))
