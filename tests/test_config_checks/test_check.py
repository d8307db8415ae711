"""What a config may not set, and that no config of mmseg or of this project is refused."""

import enum
import logging
from pathlib import Path
from typing import Optional, Union

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.registry import MODELS

from mmseg_gdn.config_checks import check as check_module
from mmseg_gdn.config_checks import names as names_module
from mmseg_gdn.config_checks.check import check_config
from mmseg_gdn.models.variant import stock_config_folder
from mmseg_gdn.utils import InputError

OWN = Path(__file__).parents[2] / 'configs'
BASE = """
model = dict(
    type='EncoderDecoder', backbone=dict(type='ResNet', depth=18), data_preprocessor=dict(type='SegDataPreProcessor'),
    decode_head=dict(type='FCNHead', in_channels=8, channels=8, num_classes=2), test_cfg=dict(mode='whole'))
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='CheckedVOCDataset', ann_file='train.txt', pipeline=[dict(type='LoadImageFromFile')]))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1), clip_grad=dict(max_norm=1),
    paramwise_cfg=dict(custom_keys=dict(interp=dict(lr_mult=10))))
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
default_hooks = dict(checkpoint=dict(type='DurableCheckpointHook', interval=2))
custom_hooks = [dict(type='EMAHook', momentum=0.1)]
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)
env_cfg = dict(cudnn_benchmark=True, mp_cfg=dict(mp_start_method='fork'), dist_cfg=dict(backend='gloo'))
"""


class Interp(enum.Enum):
    """A choice."""

    LINEAR = 'linear'


@pytest.fixture
def check(tmp_path):
    """Check a config on top of a whole one; gives it."""

    def do(text='', **options):
        path = tmp_path / 'my.py'
        path.write_text(f'{BASE}{text}')
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(options)
        check_config(cfg, 'my.py')
        return cfg

    return do


@pytest.fixture
def warned(monkeypatch):
    """Warnings, as they are given."""
    told = []
    for module in (check_module, names_module):
        monkeypatch.setattr(module, 'print_log', lambda message, logger, level: told.append((level, message)))
    return told


@pytest.mark.parametrize(
    ('name', 'meant'),
    [
        ('val_evaluater', 'val_evaluator'),
        ('train_dataloder', 'train_dataloader'),
        ('parm_scheduler', 'param_scheduler'),
        ('custom_hook', 'custom_hooks'),
        ('randomnes', 'randomness'),
        ('laod_from', 'load_from'),
        ('modle', 'model'),
    ],
)
@pytest.mark.parametrize('value', ['dict(a=1)', 'None', "'x'"])
def test_misspelt_names(check, name, meant, value):
    with pytest.raises(InputError, match=rf'^my\.py sets {name}, which nothing reads; did you mean {meant}\?'):
        check(f'{name} = {value}  # {name}\n')


@pytest.mark.parametrize('name', ['train_config', 'model2', 'val_evaluators', 'train_dataloader_b', 'tta_models'])
def test_names_that_a_hook_may_read_are_warned_of(check, warned, name):
    check(f'{name} = 1\n')
    assert [level for level, _ in warned] == [logging.WARNING]
    assert warned[0][1].startswith(f'my.py sets {name}, which nothing reads; did you mean ')


@pytest.mark.parametrize('imports', ['"colorsys"', '["colorsys"]'])
def test_modules_of_ones_own_may_read_any_name(check, warned, imports):
    check(f'custom_imports = dict(imports={imports})\nmode = 1\n')
    assert len(warned) == 1


def test_variables_of_a_config_that_mmengine_has_written(check, warned, tmp_path):
    cfg = check('custom_hook = dict(type="EMAHook")\ncustom_hooks = [custom_hook]\n')
    cfg.dump(tmp_path / 'written.py')
    check_config(Config.fromfile(tmp_path / 'written.py'), 'written.py')
    assert ['custom_hook,' in message for _, message in warned] == [True]


def test_variables_of_what_a_lazy_config_is_based_on(warned, tmp_path):
    (tmp_path / 'base.py').write_text(f'{BASE}custom_hook = dict(type="EMAHook")\ncustom_hooks = [custom_hook]\n')
    (tmp_path / 'my.py').write_text(
        'from mmengine.config import read_base\n'
        'from mmengine.dataset import InfiniteSampler\n'
        'with read_base():\n    from .base import *\n'
        'train_dataloader.sampler = dict(type=InfiniteSampler, shufle=True)\n'
    )
    with pytest.raises(InputError, match=r'sampler\.shufle=True sets what InfiniteSampler does .* mean shuffle'):
        check_config(Config.fromfile(tmp_path / 'my.py'), 'my.py')
    assert len(warned) == 1


def test_names_of_ones_own(check):
    text = """
data_root = 'data'
crop_size = (8, 8)
norm_cfg = dict(type='BN')
num_classes = 3
_val_evaluater = dict(type='IoUMetric')
train_dataloaders = [train_dataloader]
val_dataloader = dict(train_dataloaders[0], batch_size=1)
"""
    assert check(text).train_dataloaders[0].batch_size == 2


@pytest.mark.parametrize(
    ('key', 'meant'),
    [
        ('model.test_cfg.mod', 'mode'),
        ('env_cfg.cudn_benchmark', 'cudnn_benchmark'),
        ('env_cfg.mp_cfg.mp_start_metod', 'mp_start_method'),
        ('env_cfg.dist_cfg.backnd', 'backend'),
        ('optim_wrapper.paramwise_cfg.custom_key', 'custom_keys'),
        ('optim_wrapper.paramwise_cfg.norm_decay_mul', 'norm_decay_mult'),
        ('optim_wrapper.clip_grad.max_norn', 'max_norm'),
        ('optim_wrapper.acumulative_counts', 'accumulative_counts'),
        ('val_evaluator.iou_metric', 'iou_metrics'),
        ('randomness.sed', 'seed'),
        ('log_processor.windowsize', 'window_size'),
        ('default_hooks.checkpoint.save_bst', 'save_best'),
        ('custom_hooks.0.typ', 'type'),
        ('train_dataloader.batchsize', 'batch_size'),
        ('train_cfg.max_iter', 'max_iters'),
        ('auto_scale_lr.enabl', 'enable'),
        ('optim_wrapper.paramwise_cfg.custom_keys.interp.lr_mul', 'lr_mult'),
    ],
)
def test_misspelt_keys(check, key, meant):
    with pytest.raises(InputError, match=rf'^my\.py: {key}=1 sets what .* does not read; did you mean {meant}\?'):
        check(**{key: 1})


def test_keys_that_a_metric_takes_and_ignores(check):
    with pytest.raises(InputError, match=r'val_evaluator\.xyz=1 sets what IoUMetric does not read; remove it, or corr'):
        check(**{'val_evaluator.xyz': 1})


@pytest.mark.parametrize('key', ['model.test_cfg.xyz', 'optim_wrapper.paramwise_cfg.xyz', 'env_cfg.xyz'])
def test_keys_that_resemble_none_are_warned_of(check, warned, key):
    check(**{key: 1})
    assert warned == [
        (logging.WARNING, f'my.py: {key}=1 sets what nothing that is known here reads; remove or correct it.')
    ]


@pytest.mark.parametrize(
    ('key', 'value', 'sentence'),
    [
        ('train_cfg', 5, 'train_cfg=5 is a number, where the runner takes a dictionary; correct it'),
        ('train_cfg.max_iters', 'abc', 'max_iters=abc is a text, where IterBasedTrainLoop takes a number'),
        ('train_dataloader.num_workers', 'two', 'num_workers=two is a text, where DataLoader takes a number'),
        ('train_dataloader.pin_memory', 'maybe', 'pin_memory=maybe is a text, where DataLoader takes True or False'),
        (
            'train_dataloader.dataset.ann_file',
            ['a'],
            r'ann_file=\[.a.\] is a list, where CheckedVOCDataset takes a text',
        ),
        ('optim_wrapper.optimizer.lr', 'high', 'lr=high is a text, where SGD takes a number'),
        (
            'default_hooks.checkpoint.max_keep_ckpts',
            'x',
            'ckpts=x is a text, where DurableCheckpointHook takes a number',
        ),
        ('default_hooks.logger', 5, 'default_hooks.logger=5 is a number, where the runner takes a dictionary'),
        ('custom_hooks', 5, 'custom_hooks=5 is a number, where mmengine takes a list'),
        ('compile', 'yes', 'compile=yes is a text, where mmengine takes True or False or a dictionary'),
        ('param_scheduler', 5, 'param_scheduler=5 is a number, where mmengine takes a dictionary or a list'),
        ('load_from', 5, r'load_from=5 is a number, where mmengine takes a path, such as \./my; correct it'),
        ('work_dir', ['a'], 'work_dir=.* is a list, where mmengine takes a path'),
        ('resume', 'x.pth', 'resume=x.pth is a text, where the runner takes True or False'),
        ('tta_model', 5, 'tta_model=5 is a number, where mmengine takes a dictionary'),
        ('tta_pipeline', 'x', 'tta_pipeline=x is a text, where mmengine takes a list'),
        ('train_dataloader.dataset', 5, 'dataset=5 is a number, where mmengine takes a dictionary'),
        ('train_dataloader.dataset.pipeline', [5], 'pipeline.0=5 is a number, where CheckedVOCDataset takes a dict'),
        ('train_dataloader.sampler', 5, 'sampler=5 is a number, where mmengine takes a dictionary'),
        ('train_dataloader.collate_fn', 'x', 'collate_fn=x is a text, where mmengine takes a dictionary'),
        ('param_scheduler', [5], 'param_scheduler.0=5 is a number, where mmengine takes a dictionary'),
        ('custom_hooks', ['x'], 'custom_hooks.0=x is a text, where mmengine takes a dictionary'),
        ('env_cfg.dist_cfg.timeout', 'x', 'timeout=x is a text, where init_process_group takes a number'),
        ('log_level', 'LOUD', 'log_level=LOUD is no level of a log; set one of DEBUG, INFO'),
        ('launcher', 5, 'launcher=5 is no launcher; set one of none, pytorch'),
        ('default_scope', 5, 'default_scope=5 is no name of a project'),
        ('default_scope', 'mmsg', r'default_scope=mmsg is no project .*; did you mean mmseg\?'),
        ('model.decode_head', 5, 'model.decode_head=5 is a number, where EncoderDecoder takes a dictionary'),
    ],
)
def test_values_of_another_kind(check, key, value, sentence):
    with pytest.raises(InputError, match=sentence):
        check(**{key: value})


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('resume', True),
        ('load_from', 'x.pth'),
        ('train_dataloader.batch_size', None),
        ('train_cfg.max_iters', 1e3),
        ('optim_wrapper.paramwise_cfg.custom_keys.interp.wd_mult', 0),
        ('model.data_preprocessor.size', (8, 8)),
        ('model.decode_head.in_channels', [1, 2]),
        ('train_cfg.max_iters', np.int64(3)),
        ('optim_wrapper', dict(type='AmpOptimWrapper', loss_scale=dict(init_scale=2.0))),
        ('optim_wrapper.clip_grad.norm_type', 'inf'),
        ('env_cfg.dist_cfg.timeout', 1800),
        ('param_scheduler', dict(backbone=[dict(type='PolyLR', end=3)], decode_head=dict(type='ConstantLR'))),
        ('val_evaluator', [dict(type='IoUMetric'), dict(type='mmpretrain.Accuracy')]),
        ('train_dataloader.collate_fn', pseudo_collate),
        ('train_dataloader.worker_init_fn', dict(type='default')),
        ('tta_pipeline', [dict(type='LoadImageFromFile')]),
        ('log_level', 20),
        ('default_scope', 'myscope'),
        ('default_scope', 'mmdet'),
        ('runner_type', 'FlexibleRunner'),
        ('work_dir', Path('x')),
    ],
)
def test_values_that_fit(check, warned, key, value):
    assert check(**{key: value})
    assert warned == []


@pytest.mark.parametrize('kind', ['otherscope.Segmentor', 'RegisteredLater'])
def test_what_an_unknown_model_reads_is_not_judged(check, warned, kind):
    check(**{'model.type': kind, 'model.test_cfg.xyz': 1, 'model.whatever': 2})
    assert warned == []


@MODELS.register_module()
class NamedByTexts:
    """Takes what configs give by its name."""

    def __init__(
        self, device: Union[int, torch.device], dtype: Optional[torch.dtype] = None, how: Interp = Interp.LINEAR
    ):
        pass


@pytest.mark.parametrize('key', ['device', 'dtype', 'how'])
def test_texts_that_name_devices_types_and_choices(check, key):
    head = f'model["decode_head"] = dict(type="NamedByTexts", {key}='
    check(head + "'cpu')\n")
    with pytest.raises(InputError, match=rf'{key}=\[3\] is a list'):
        check(head + '[3])\n')


def test_hooks_without_a_list(check):
    with pytest.raises(InputError, match='custom_hooks=.* is a dictionary, where mmengine takes a list'):
        check('custom_hooks = dict(ema=dict(type="EMAHook"))\n')


def test_randomness_without_a_seed(check):
    with pytest.raises(InputError, match=r'randomness lacks seed, without which .* set randomness\.seed'):
        check('randomness = dict(deterministic=True)')


@MODELS.register_module()
class HeadOfOnesOwn:
    """Takes keys of its own from what is left over."""

    def __init__(self, channels: 'NoSuchName', **kwargs):  # noqa: F821
        self.chanels = kwargs.get('chanels')


def test_keys_that_are_taken_from_what_is_left_over(check):
    check('model["decode_head"] = dict(type="HeadOfOnesOwn", chanels=3, depths=1)\n')
    with pytest.raises(InputError, match='did you mean channels'):
        check('model["decode_head"] = dict(type="HeadOfOnesOwn", channel=3)\n')


@pytest.mark.slow
@pytest.mark.parametrize(
    'folder',
    [
        pytest.param(OWN, id='own'),
        *(
            pytest.param(folder, id=folder.name)
            for folder in sorted(stock_config_folder().iterdir())
            if folder.is_dir() and folder.name != '_base_'
        ),
    ],
)
def test_no_config_is_refused(folder, warned):
    paths = [path for path in sorted(folder.rglob('*.py')) if '_base_' not in path.parts]
    checked = 0
    for path in paths:
        try:
            cfg = Config.fromfile(path)
        except ImportError as error:  # of a package that only these need
            assert 'mmdet' in str(error)
            continue
        check_config(cfg, str(path))
        checked += 1
    assert checked or not paths or 'mask2former' in str(folder)
    assert warned == []


@pytest.mark.parametrize(
    'path',
    [
        OWN / 'gdn/fcn_mobilenet-v2_gdn_voc12aug.py',
        OWN / 'gdn/deeplab-largefov_gdn-staged_voc12aug.py',
        stock_config_folder() / 'fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py',
        stock_config_folder() / 'segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py',
    ],
    ids=lambda path: path.stem,
)
def test_a_config_that_mmengine_has_written_is_not_refused(path, tmp_path, warned):
    """Its variables stand in it, and nothing uses them any longer."""
    written = tmp_path / 'written.py'
    Config.fromfile(path).dump(written)
    check_config(Config.fromfile(written), str(written))
    assert warned == []
