"""Which sets of packages are refused, which only warned of, and that the commands named are those of the package."""

import subprocess
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from mmseg_gdn import stack as stacks
from mmseg_gdn.stack import ONEDL, OPENMMLAB, Stack, find_problem, find_shortcomings, find_stack

TORCH = {'torch': '2.14.1', 'torchvision': '0.29.1'}
UPSTREAM = {**TORCH, 'mmengine': '0.10.7', 'mmcv-lite': '2.1.0', 'mmsegmentation': '1.2.2', 'mmpretrain': '1.2.0'}
FULL = {**UPSTREAM, 'mmcv': '2.1.0'}
FORKS = {
    **TORCH,
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmsegmentation': '1.4.2',
    'onedl-mmpretrain': '1.3.6',
}
MODULES = frozenset(
    {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmseg', 'mmpretrain', 'ftfy', 'regex', 'pkg_resources'}
)


def without(installed, *names):
    return {name: version for name, version in installed.items() if name not in names}


@pytest.mark.parametrize(
    'stack',
    [
        Stack(UPSTREAM, MODULES),
        Stack(FORKS, MODULES),
        Stack(FORKS, MODULES - {'pkg_resources'}),
        Stack(without(FULL, 'mmcv-lite'), MODULES | {'mmcv._ext'}),
        Stack({**without(UPSTREAM, 'mmengine'), 'mmengine-lite': '0.10.7'}, MODULES),
        Stack(TORCH, MODULES),  # clones on PYTHONPATH
    ],
    ids=['openmmlab', 'onedl', 'onedl without pkg_resources', 'full mmcv', 'mmengine-lite', 'clones'],
)
def test_nothing_is_said_of_stacks_that_work(stack):
    assert find_problem(stack) is None
    assert find_shortcomings(stack) == []


BUILD = "pip install 'setuptools<82' wheel && pip install --no-build-isolation"


@pytest.mark.parametrize(
    ('stack', 'problem', 'command'),
    [
        (Stack({}, frozenset()), 'needs PyTorch, which is not installed', 'pip install torch'),
        (
            Stack(TORCH, {'torch'}),
            'needs MMSegmentation, which is not installed',
            "pip install mmengine==0.10.7 'mmcv-lite>=2.0,<2.2' mmsegmentation==1.2.2 ftfy regex",
        ),
        (
            Stack(without(UPSTREAM, 'mmcv-lite'), MODULES - {'mmcv', 'ftfy'}),
            'needs mmcv, ftfy, not installed',
            "pip install 'mmcv-lite>=2.0,<2.2' ftfy",
        ),
        (
            Stack(without(FORKS, 'onedl-mmcv'), MODULES - {'mmcv'}),
            'needs mmcv, not installed',
            "pip install 'onedl-mmcv>=2.3.6,<2.4'",
        ),
        (
            Stack({**UPSTREAM, 'onedl-mmcv': '2.3.6'}, MODULES),
            'Both stacks are installed',
            'pip uninstall -y mmengine mmcv-lite mmsegmentation mmpretrain onedl-mmcv && pip install mmengine==0.10.7',
        ),
        (
            Stack(without(FULL, 'mmcv-lite'), MODULES - {'mmcv'}),
            "mmcv's files are missing",
            f'{BUILD} --no-deps --force-reinstall mmcv==2.1.0',
        ),
        (
            Stack(UPSTREAM, MODULES, {'mmseg': 'MMCV==2.2.0 is used but incompatible. Please install mmcv>=2.0.0rc4.'}),
            'MMCV==2.2.0 is used but incompatible',
            "run: pip install 'mmcv-lite>=2.0,<2.2'",
        ),
        (
            Stack(FULL, MODULES, {'mmseg': 'MMCV==2.2.0 is used but incompatible.'}),
            'MMCV==2.2.0',
            f"run: {BUILD} 'mmcv>=2.0,<2.2'",
        ),
        (
            Stack(UPSTREAM, MODULES, {'mmseg': 'MMEngine==1.0.0 is used but incompatible.'}),
            'MMEngine==1.0.0',
            'run: pip install mmengine==0.10.7',
        ),
        (
            Stack(UPSTREAM, MODULES, {'mmseg': "No module named 'cv2'"}),
            "No module named 'cv2'",
            "python -c 'import mmseg'",
        ),
        (
            Stack(FULL, MODULES | {'mmcv._ext'}, {'mmcv.ops': '_ext.so: undefined symbol: x'}),
            'undefined symbol: x',
            f'{BUILD} --no-deps --force-reinstall mmcv==2.1.0',
        ),
        (
            Stack(
                {**UPSTREAM, 'torch': '2.14.1+cpu'},
                MODULES,
                {'torchvision': 'operator torchvision::nms does not exist'},
            ),
            'torchvision 0.29.1 does not work with torch 2.14.1+cpu (operator torchvision::nms does not exist)',
            'pip install --upgrade torchvision torch==2.14.1',
        ),
        (
            Stack({**UPSTREAM, 'torch': '2.1.2'}, MODULES, {'torch': 'torch.library.register_autograd is missing'}),
            'torch 2.1.2 cannot be used',
            'mmseg_gdn needs 2.4 or newer',
        ),
    ],
)
def test_what_cannot_work_is_refused_in_one_sentence(stack, problem, command):
    message = find_problem(stack)
    assert problem in message
    assert command in message
    assert '\n' not in message


@pytest.mark.parametrize(
    ('stack', 'shortcoming', 'command'),
    [
        (
            Stack(without(UPSTREAM, 'mmpretrain'), MODULES - {'mmpretrain'}),
            'Backbones named mmpretrain.*',
            'pip install mmpretrain==1.2.0',
        ),
        (
            Stack(without(FORKS, 'onedl-mmpretrain'), MODULES - {'mmpretrain'}),
            'Backbones named mmpretrain.*',
            "pip install 'onedl-mmpretrain>=1.3.6,<1.4'",
        ),
        (
            Stack(without(UPSTREAM, 'torchvision'), MODULES - {'torchvision'}),
            'mmpretrain needs torchvision',
            'pip install torchvision torch==2.14.1',
        ),
        (Stack(UPSTREAM, MODULES - {'pkg_resources'}), "_base_ = 'mmseg::...'", "pip install 'setuptools<82'"),
        (
            Stack(FULL, MODULES | {'mmcv._ext'}),
            "overwrite each other's files. Keep the full one",
            f'pip uninstall -y mmcv-lite && {BUILD} --no-deps --force-reinstall mmcv==2.1.0',
        ),
        (
            Stack(FULL, MODULES),
            'Neither has compiled operators',
            "pip uninstall -y mmcv mmcv-lite && pip install 'mmcv-lite>=2.0,<2.2'",
        ),
    ],
)
def test_what_not_every_model_needs_is_a_warning(stack, shortcoming, command):
    assert find_problem(stack) is None
    (message,) = find_shortcomings(stack)
    assert shortcoming in message
    assert command in message


def test_the_installed_stack_works():
    stack = find_stack(thorough=True)
    assert find_problem(stack) is None
    assert find_shortcomings(stack) == []
    assert 'mmsegmentation' in stack.describe()


def test_commands_install_what_the_extras_install():
    requirements = [Requirement(text) for text in metadata.requires('mmseg-gdn')]
    for extra, packages in (('openmmlab', OPENMMLAB), ('onedl', ONEDL)):
        wanted = {
            found.name: found.specifier
            for found in requirements
            if found.marker and found.marker.evaluate({'extra': extra})
        }
        for requirement in map(Requirement, packages.values()):
            assert wanted[requirement.name] == requirement.specifier, requirement


def test_a_torchvision_made_for_another_torch_is_suspected(monkeypatch):
    monkeypatch.setattr(stacks.metadata, 'version', lambda name: '2.14.1+cpu')
    for requirement, fits in (('torch==2.14.1', True), ('torch==2.4.0', False), ('torch', True)):
        monkeypatch.setattr(stacks.metadata, 'requires', lambda name, text=requirement: ['numpy', text])
        assert stacks._torchvision_fits() is fits, requirement


def test_a_folder_that_an_uninstalled_package_left_is_no_module(tmp_path, monkeypatch):
    (tmp_path / 'left_behind').mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert not stacks._is_found('left_behind')
    assert not stacks._is_found('never_installed')
    assert stacks._is_found('mmseg')


WATCHER = """
import builtins

plain_import, importers = builtins.__import__, []

def watched_import(name, globals=None, *args, **kwargs):
    if name.split('.')[0] == 'torchvision':
        importers.append((globals or {}).get('__name__'))
    return plain_import(name, globals, *args, **kwargs)

builtins.__import__ = watched_import
import mmseg_gdn
print(*importers)
"""


def test_torchvision_is_not_imported_by_this_package():
    # Some versions of mmpretrain import it as soon as mmseg is imported.
    outcome = subprocess.run([sys.executable, '-c', WATCHER], check=True, capture_output=True, text=True)
    assert 'mmseg_gdn' not in outcome.stdout
