"""Options that training and testing share."""

import os

import pytest
from mmengine.config import Config

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.cli import add_default_hook, load_config, runner_parser


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'my_config.py'
    path.write_text("model = dict(type='A', size=1)\n")
    return path


@pytest.fixture(autouse=True)
def _clean_rank(monkeypatch):
    monkeypatch.delenv('LOCAL_RANK', raising=False)


def parse(*args):
    return runner_parser('Train.').parse_args([str(arg) for arg in args])


def test_options_reach_the_config(config, tmp_path):
    cfg = load_config(parse(config, '--work-dir', tmp_path / 'run', '--launcher', 'slurm', '--local-rank', 3,
                            '--cfg-options', 'model.size=(2,3)', 'extra.deep=x'))
    assert cfg.model.size == (2, 3)
    assert cfg.extra.deep == 'x'
    assert cfg.launcher == 'slurm'
    assert cfg.work_dir == str(tmp_path / 'run')
    assert (tmp_path / 'run').is_dir()
    assert os.environ['LOCAL_RANK'] == '3'


def test_work_dir_is_named_after_the_config(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_config(parse(config)).work_dir == 'work_dirs/my_config'
    assert (tmp_path / 'work_dirs/my_config').is_dir()


def test_work_dir_of_the_config_is_kept(config, tmp_path):
    config.write_text(f"work_dir = {str(tmp_path / 'mine')!r}\n")
    assert load_config(parse(config)).work_dir == str(tmp_path / 'mine')


def test_missing_config(tmp_path):
    with pytest.raises(InputError, match=r'no\.py; the configs of this project are in configs/gdn'):
        load_config(parse(tmp_path / 'no.py'))


def test_unwritable_work_dir(config, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match='Cannot create the work folder .*--work-dir'):
        load_config(parse(config, '--work-dir', tmp_path / 'file/run'))


def test_a_launcher_without_its_processes(config, monkeypatch):
    monkeypatch.delenv('RANK', raising=False)
    monkeypatch.setattr('mmseg_gdn.utils.cli.get_device', lambda: 'cpu')
    with pytest.raises(InputError, match=r'use tools/dist_train\.sh'):
        load_config(parse(config, '--launcher', 'pytorch'))


@pytest.mark.parametrize('options', [{}, dict(default_hooks=None), dict(default_hooks=dict(timer=dict(type='Timer')))])
def test_a_hook_is_added(options):
    cfg = Config(options)
    add_default_hook(cfg, 'check', 'CheckHook')
    assert cfg.default_hooks == dict(options.get('default_hooks') or {}, check=dict(type='CheckHook'))


def test_a_hook_is_added_with_settings_from_the_command_line():
    cfg = Config()
    cfg.merge_from_dict({'default_hooks.check.partial': True})
    add_default_hook(cfg, 'check', 'CheckHook')
    assert cfg.default_hooks == dict(check=dict(type='CheckHook', partial=True))


@pytest.mark.parametrize('options', [
    dict(custom_hooks=[dict(type='Other'), dict(type='CheckHook', level=2)]),
    dict(default_hooks=dict(my_check=dict(type='CheckHook', level=2)))
])
def test_a_hook_of_the_config_is_left_as_it_is(options):
    cfg = Config(options)
    add_default_hook(cfg, 'check', 'CheckHook')
    assert cfg.to_dict() == options


@pytest.mark.parametrize(('name', 'text', 'message'), [
    ('broken.py', 'model = dict(\n', r'broken\.py cannot be read as a config \(SyntaxError: '),
    ('config.txt', 'model = 1\n', r'config\.txt cannot be read as a config \(OSError: '),
])
def test_a_file_that_is_no_config(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        load_config(parse(tmp_path / name))
