"""What a config may not set, and that no config of mmseg or of this project is refused."""

import enum
import logging
from pathlib import Path
from typing import Optional, Union

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_gdn.config_checks import check as check_module
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
    monkeypatch.setattr(check_module, 'print_log', lambda message, logger, level: told.append((level, message)))
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
        ('custom_hooks', 5, 'custom_hooks=5 is a number, where the runner takes a list'),
        ('compile', 'yes', 'compile=yes is a text, where the runner takes True or False or a dictionary'),
        ('param_scheduler', 5, 'param_scheduler=5 is a number, where the runner takes a dictionary or a list'),
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
    ],
)
def test_values_that_fit(check, key, value):
    assert check(**{key: value})


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
