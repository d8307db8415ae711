"""Quick steps in place of trainings, and settings for plans."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from reproduction.plan import make_plan, stage_configs
from reproduction.records import Records
from reproduction.settings import Settings
from reproduction.step import Step

# Counts to five in its folder, with a pause after each, and then copies its input to its output.
COUNTING = """
import sys, time
from pathlib import Path
source, out, folder, pause = sys.argv[1:]
folder = Path(folder)
folder.mkdir(exist_ok=True)
done = folder / 'done.txt'
while len(lines := done.read_text().split() if done.exists() else []) < 5:
    done.write_text('\\n'.join([*lines, str(len(lines))]))
    print('counted', len(lines), flush=True)
    time.sleep(float(pause))
Path(out).write_text(Path(source).read_text())
"""


@pytest.fixture
def counting_step(tmp_path):
    """Make a step that can be interrupted and resumed; its log shows what it did."""
    script = tmp_path / 'count.py'
    script.write_text(COUNTING)
    (tmp_path / 'source.txt').write_text('first')

    def make(name: str = 'count', pause: float = 0, **settings) -> Step:
        folder, out = tmp_path / f'{name}_folder', tmp_path / f'{name}.txt'
        return Step(
            name,
            'count',
            (str(script), str(tmp_path / 'source.txt'), str(out), str(folder), str(pause)),
            **dict(dict(inputs=(tmp_path / 'source.txt',), outputs=(out,), folder=folder), **settings),
        )

    return make


@pytest.fixture
def records(tmp_path) -> Records:
    """Records in an empty folder."""
    return Records(tmp_path / 'steps')


@pytest.fixture(scope='session')
def full_settings(tmp_path_factory) -> Settings:
    """A plan from nothing."""
    folder = tmp_path_factory.mktemp('full')
    return Settings(networks=('fcn32s', 'deeplab-largefov'), work_dir=folder / 'work', data_root=folder / 'VOC2012')


@pytest.fixture(scope='session')
def full_configs(full_settings) -> dict[str, Config]:
    """Its completed configs by name. Reading them takes a while, so they are shared; nobody changes them."""
    return stage_configs(full_settings)


@pytest.fixture(scope='session')
def full_plan(full_settings, full_configs) -> dict[str, Step]:
    """Its steps by name."""
    return {step.name: step for step in make_plan(full_settings, full_configs)}


@pytest.fixture(scope='session')
def small_settings(tmp_path_factory) -> Settings:
    """A plan with small configs, on lists of images without masks."""
    folder = tmp_path_factory.mktemp('small')
    settings = Settings(
        networks=('fcn32s', 'deeplab-largefov'),
        work_dir=folder / 'work',
        data_root=folder / 'VOC2012',
        is_small=True,
        weights=folder / 'vgg.caffemodel',
        val_images=1,
        search_images=1,
    )
    settings.weights.write_bytes(b'weights')
    for name, ids in dict(train='ab', val='cd', test='ef').items():
        path = settings.ids(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('\n'.join(ids) + '\n')
    (settings.data_root / 'JPEGImages').mkdir()
    for image_id in 'abcdef':
        (settings.data_root / 'JPEGImages' / f'{image_id}.jpg').touch()
    return settings


@pytest.fixture(scope='session')
def small_configs(small_settings) -> dict[str, Config]:
    """Its completed configs by name; nobody changes them."""
    return stage_configs(small_settings)


@pytest.fixture(scope='session')
def small_plan(small_settings, small_configs) -> dict[str, Step]:
    """Its steps by name."""
    return {step.name: step for step in make_plan(small_settings, small_configs)}
