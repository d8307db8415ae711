"""The package as a user gets it: source archive, wheel, and an environment outside any clone that has the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Callable

import pytest

ROOT = Path(__file__).parents[2]
_NOT_PACKED = shutil.ignore_patterns(
    '.*', 'work_dirs', 'data', 'build', 'dist', 'tests', 'docs', 'benchmarks', '__pycache__', '*.egg-info', '*.so'
)
_SDIST = 'import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])'


@pytest.fixture(scope='session')
def archives(tmp_path_factory) -> Path:
    """A folder with the source archive, and with the wheel that is built from it."""
    source, out = tmp_path_factory.mktemp('clone') / 'mmseg_gdn', tmp_path_factory.mktemp('archives')
    shutil.copytree(ROOT, source, ignore=_NOT_PACKED)
    _run([sys.executable, '-c', _SDIST, str(out)], source)
    (archive,) = out.glob('*.tar.gz')
    _run(
        [
            sys.executable,
            '-m',
            'pip',
            'wheel',
            '-q',
            '--no-build-isolation',
            '--no-deps',
            '--no-index',
            '-w',
            str(out),
            str(archive),
        ],
        out,
    )
    return out


@pytest.fixture(scope='session')
def environment(archives, tmp_path_factory) -> Path:
    """A new environment with the wheel and, by a path, with the other packages of this one.

    Python does not follow ``.pth`` files in folders added by such a path, so this clone is not found there.
    """
    folder = tmp_path_factory.mktemp('environment')
    _run([sys.executable, '-m', 'venv', str(folder)], folder)
    packages = Path(sysconfig.get_path('purelib', vars=dict(base=str(folder), platbase=str(folder))))
    (packages / 'others.pth').write_text(sysconfig.get_path('purelib') + '\n')
    (wheel,) = archives.glob('*.whl')
    _run([str(folder / 'bin' / 'python'), '-m', 'pip', 'install', '-q', '--no-deps', '--no-index', str(wheel)], folder)
    return folder / 'bin'


@pytest.fixture(scope='module')
def run(environment, tmp_path_factory) -> Callable[..., subprocess.CompletedProcess]:
    """Run a program of the environment in a folder that has nothing of this project."""
    here = tmp_path_factory.mktemp('here')

    def run_here(program: str, *args: object, status: int = 0) -> subprocess.CompletedProcess:
        result = subprocess.run(
            [environment / program, *map(str, args)],
            cwd=here,
            env=plain_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == status, result.stdout + result.stderr
        return result

    run_here.folder = here
    return run_here


def _run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, env=plain_environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def plain_environment() -> dict[str, str]:
    """The environment without the clone's path."""
    return {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
