"""Settings with which no training or test can begin, or none would end."""

import pytest
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, ValLoop
from mmseg.registry import DATA_SAMPLERS, LOOPS

from mmseg_gdn.engine.hooks import StopHook
from mmseg_gdn.engine.training_settings import require_finite_test, require_hooks_once, require_training
from mmseg_gdn.utils import InputError


@DATA_SAMPLERS.register_module()
class FiniteAfterAllInfiniteSampler(InfiniteSampler):
    """One that ends, whatever it is called."""

    def __iter__(self):
        return iter(range(3))


@DATA_SAMPLERS.register_module()
class EndlessByAnotherName(InfiniteSampler):
    """One that does not end."""


@LOOPS.register_module()
class LoopOfOnesOwn(EpochBasedTrainLoop):
    """One that stops by itself."""

    def run_epoch(self):
        pass


def config(sampler, train_cfg=None, val_sampler='DefaultSampler', **settings):
    return Config(
        dict(
            train_dataloader=dict(sampler=dict(type=sampler)),
            train_cfg=train_cfg or dict(by_epoch=True, max_epochs=2),
            val_dataloader=dict(sampler=dict(type=val_sampler)),
            optim_wrapper=dict(optimizer=dict(type='SGD')),
            **settings,
        )
    )


@pytest.mark.parametrize(
    'sampler', ['InfiniteSampler', 'mmengine.InfiniteSampler', InfiniteSampler, 'EndlessByAnotherName']
)
@pytest.mark.parametrize(
    'train_cfg',
    [
        dict(by_epoch=True, max_epochs=2),
        dict(max_epochs=2),
        dict(type='EpochBasedTrainLoop', max_epochs=2),
        dict(type='mmengine.EpochBasedTrainLoop', max_epochs=2),
        dict(type=EpochBasedTrainLoop, max_epochs=2),
    ],
)
def test_an_epoch_without_end(sampler, train_cfg):
    for settings in ({}, dict(runner_type='FlexibleRunner')):
        with pytest.raises(InputError, match=r'train_dataloader\.sampler .* an epoch would never end; set DefaultSam'):
            require_training(config(sampler, train_cfg, **settings), 'my.py')


@pytest.mark.parametrize('sampler', ['InfiniteSampler', InfiniteSampler])
def test_a_validation_or_a_test_without_end(sampler):
    with pytest.raises(InputError, match=r'val_dataloader\.sampler .* a validation would never end'):
        require_training(config('DefaultSampler', val_sampler=sampler, val_cfg=dict(type=ValLoop)), 'my.py')
    with pytest.raises(InputError, match=r'test_dataloader\.sampler .* a test would never end'):
        require_finite_test(Config(dict(test_cfg={}, test_dataloader=dict(sampler=dict(type=sampler)))))


@pytest.mark.parametrize(
    ('sampler', 'train_cfg'),
    [
        ('DefaultSampler', dict(by_epoch=True, max_epochs=2)),
        (DefaultSampler, dict(type=EpochBasedTrainLoop, max_epochs=2)),
        ('FiniteAfterAllInfiniteSampler', dict(by_epoch=True, max_epochs=2)),
        ('RegisteredLaterInfiniteSampler', dict(by_epoch=True, max_epochs=2)),
        ('InfiniteSampler', dict(by_epoch=False, max_iters=2)),
        (InfiniteSampler, dict(type=IterBasedTrainLoop, max_iters=2)),
        ('InfiniteSampler', dict(type='LoopOfOnesOwn', max_epochs=2)),
        ('InfiniteSampler', dict(type='RegisteredLater', max_iters=None)),
    ],
)
def test_what_ends(sampler, train_cfg):
    cfg = config(sampler, train_cfg)
    require_training(cfg, 'my.py')
    cfg.test_cfg, cfg.test_dataloader = {}, cfg.val_dataloader
    require_finite_test(cfg)


def test_batches_of_ones_own_may_end():
    cfg = config('InfiniteSampler')
    cfg.train_dataloader.batch_sampler = dict(type='AspectRatioBatchSampler')
    require_training(cfg, 'my.py')


def test_a_class_beside_by_epoch():
    with pytest.raises(InputError, match=r"sets both type='IterBasedTrainLoop' and by_epoch=False"):
        require_training(config('DefaultSampler', dict(type=IterBasedTrainLoop, by_epoch=False)), 'my.py')


@pytest.mark.parametrize('name', ['max_epochs', 'val_interval'])
def test_no_number_of_steps(name):
    with pytest.raises(InputError, match=rf'train_cfg\.{name}=None is no number of steps'):
        require_training(config('DefaultSampler', {'by_epoch': True, 'max_epochs': 2, name: None}), 'my.py')


def test_a_hook_that_is_listed_twice_by_its_class():
    cfg = Config(dict(default_hooks=dict(a=None, stop=dict(type='StopHook')), custom_hooks=[dict(type=StopHook)]))
    with pytest.raises(InputError, match='lists StopHook once more'):
        require_hooks_once(cfg)
