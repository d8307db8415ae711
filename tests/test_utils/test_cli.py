"""Options that training and testing share."""

import os

import pytest
from mmengine.config import Config

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.cli import add_default_hook, load_config, read_config, runner_parser


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


def test_options_reach_the_config(config, tmp_path, monkeypatch):
    for name, value in dict(SLURM_PROCID=0, SLURM_NTASKS=1, SLURM_NODELIST='a', MASTER_ADDR='localhost').items():
        monkeypatch.setenv(name, str(value))
    cfg = load_config(
        parse(
            config,
            '--work-dir',
            tmp_path / 'run',
            '--launcher',
            'slurm',
            '--local-rank',
            3,
            '--cfg-options',
            'model.size=(2,3)',
            'extra.deep=x',
        )
    )
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
    config.write_text(f"model = dict(type='A')\nwork_dir = {str(tmp_path / 'mine')!r}\n")
    assert load_config(parse(config)).work_dir == str(tmp_path / 'mine')


def test_a_section_that_is_none_can_be_filled(config):
    config.write_text("model = dict(type='A', clip=None)\n")
    assert read_config(config, {'model.clip.max_norm': 1}).model.clip == dict(max_norm=1)


def test_a_section_is_deleted_before_it_is_set(config):
    config.write_text("model = dict(type='A', part=dict(type='B', a=1))\n")
    cfg = read_config(config, {'model.part.type': 'C', 'model.part._delete_': True})
    assert cfg.model.part == dict(type='C')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'launcher': 'slurm'}, '--cfg-options launcher=slurm has no effect; use the option --launcher'),
        (
            {'model.parts.0': 5},
            r'parts\.0=5 replaces a single element of a list, .* such as model\.parts\.0\.type=\.\.\.',
        ),
    ],
)
def test_settings_that_cannot_be_made_in_this_way(config, options, message):
    config.write_text("model = dict(type='A', parts=[dict(a=1)])\n")
    with pytest.raises(InputError, match=message):
        read_config(config, options)


def test_missing_config(tmp_path):
    with pytest.raises(InputError, match=r'no\.py; the configs of this project are in configs/gdn'):
        load_config(parse(tmp_path / 'no.py'))


def test_unwritable_work_dir(config, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match='Cannot create the work folder .*--work-dir'):
        load_config(parse(config, '--work-dir', tmp_path / 'file/run'))


def test_a_temporary_folder_without_room(config, limit_files):
    limit_files(0)
    with pytest.raises(InputError, match='mmengine copies it to .* first, and cannot write there: File too large'):
        load_config(parse(config))


@pytest.mark.parametrize(
    ('launcher', 'message'),
    [
        ('pytorch', r'torchrun has started, but RANK and .* are not set; use tools/dist_train\.sh'),
        ('slurm', r'srun has started, but SLURM_PROCID and .* use tools/slurm_train\.sh'),
        ('mpi', 'mpirun has started, but OMPI_COMM_WORLD_LOCAL_RANK and .* or leave out --launcher'),
    ],
)
def test_a_launcher_without_its_processes(config, monkeypatch, launcher, message):
    for name in ('RANK', 'WORLD_SIZE', 'SLURM_PROCID', 'OMPI_COMM_WORLD_LOCAL_RANK'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=message):
        load_config(parse(config, '--launcher', launcher))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ("data = dict(samples_per_gpu=2)\nmodel = dict(type='A')\n", 'is written for mmseg 0.x: it sets data'),
        ('train_dataloader = dict()\n', 'sets no model with a type; name a whole config'),
        ('model = 5\n', 'model=5 is a number, where the runner takes a dictionary'),
    ],
)
def test_configs_of_another_kind(config, text, message):
    config.write_text(text)
    with pytest.raises(InputError, match=message):
        load_config(parse(config))


def test_no_workers_are_not_kept(config):
    config.write_text(
        "model = dict(type='A')\nval_dataloader = dict(num_workers=4, persistent_workers=True)\n"
        'train_dataloader = dict(num_workers=4, persistent_workers=True, prefetch_factor=2)\n'
    )
    cfg = load_config(parse(config, '--cfg-options', 'train_dataloader.num_workers=0'))
    assert cfg.train_dataloader == dict(num_workers=0, persistent_workers=False)
    assert cfg.val_dataloader.persistent_workers


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        (
            'lod_from=x.pth',
            r'--cfg-options lod_from=x\.pth: nothing reads a setting lod_from; did you mean load_from\?',
        ),
        ('modle.size=1', r'nothing reads a setting modle; did you mean model\?'),
        ('pipeline.7.size=1', 'pipeline.7.size=1 does not fit the config'),
        ('model.size.deep=1', 'model.size.deep=1 does not fit the config'),
    ],
)
def test_settings_that_do_not_fit(config, option, message):
    config.write_text("model = dict(type='A', size=1)\npipeline = [dict(type='B')]\n")
    with pytest.raises(InputError, match=message):
        load_config(parse(config, '--cfg-options', option))


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


@pytest.mark.parametrize(
    'options',
    [
        dict(custom_hooks=[dict(type='Other'), dict(type='CheckHook', level=2)]),
        dict(default_hooks=dict(my_check=dict(type='CheckHook', level=2))),
    ],
)
def test_a_hook_of_the_config_is_left_as_it_is(options):
    cfg = Config(options)
    add_default_hook(cfg, 'check', 'CheckHook')
    assert cfg.to_dict() == options


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('broken.py', 'model = dict(\n', r'broken\.py cannot be read as a config \(broken\.py, line 1: SyntaxError: '),
        ('names.py', 'model = 1\nother = modle\n', r"\(names\.py, line 2: NameError: name 'modle' is not defined\)"),
        ('base.py', "_base_ = 'broken_base.py'\n", r'\(broken_base\.py, line 2: ZeroDivisionError: '),
        ('no_base.py', "_base_ = 'missing.py'\n", r'\(FileNotFoundError: .*missing\.py'),
        (
            'modules.py',
            "custom_imports = dict(imports=['no_such_module'], allow_failed_imports=False)\n",
            r"\(ModuleNotFoundError: No module named 'no_such_module'\)",
        ),
        ('broken.json', '{', r'broken\.json cannot be read as a config \(JSONDecodeError: '),
        ('config.txt', 'model = 1\n', r'config\.txt cannot be read as a config \(OSError: '),
        (
            'model.pth',
            '',
            'named where the config belongs, but its name is that of a checkpoint; name the config first',
        ),
    ],
)
def test_a_file_that_is_no_config(tmp_path, name, text, message):
    (tmp_path / 'broken_base.py').write_text('a = 1\nb = 1 / 0\n')
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        load_config(parse(tmp_path / name))
