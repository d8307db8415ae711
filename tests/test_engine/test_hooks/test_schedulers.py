"""A training with any scheduler that mmengine ships is resumed from its checkpoint exactly."""

import pytest
import torch
from mmengine.hooks import Hook
from mmseg.registry import PARAM_SCHEDULERS

from mmseg_gdn.engine.hooks import CheckpointCheckHook, ExactResumeHook
from mmseg_gdn.utils import InputError

SETTINGS = dict(
    Constant=dict(factor=0.5, end=4),
    CosineAnnealing=dict(T_max=6),
    CosineRestart=dict(periods=[2, 4], restart_weights=[1, 0.5], eta_min=0),
    Exponential=dict(gamma=0.9),
    Linear=dict(start_factor=0.1, end=4),
    MultiStep=dict(milestones=[2, 4]),
    OneCycle=dict(eta_max=0.1, total_steps=6),
    Poly=dict(power=0.9, end=6),
    Step=dict(step_size=2),
)
PLATEAU = ('ReduceOnPlateauLR', 'ReduceOnPlateauMomentum', 'ReduceOnPlateauParamScheduler')


def shipped():
    """Names of all schedulers of mmengine that change a rate or a momentum."""
    names = set(PARAM_SCHEDULERS.module_dict) | set(PARAM_SCHEDULERS.parent.module_dict)
    return sorted(name for name in names if name.endswith(('LR', 'Momentum')) and not name.startswith('Caffe'))


def test_all_schedulers_are_tried():
    assert {name for name in shipped() if name.removesuffix('LR').removesuffix('Momentum') not in SETTINGS} == set(
        PLATEAU
    ) - {'ReduceOnPlateauParamScheduler'}


@pytest.mark.parametrize('name', [name for name in shipped() if name not in PLATEAU])
def test_is_resumed_exactly(training, load, kill_at, name):
    settings = dict(type=name, by_epoch=False, **SETTINGS[name.removesuffix('LR').removesuffix('Momentum')])
    check_resuming(training, load, kill_at, param_scheduler=[settings])


@pytest.mark.parametrize('name', [name for name in shipped() if name in PLATEAU])
def test_plateaus_are_resumed_exactly(training, load, kill_at, images, dataset, name):
    check_resuming(
        training,
        load,
        kill_at,
        train_dataloader=images(dataset, sampler='DefaultSampler'),
        train_cfg=dict(by_epoch=True, max_epochs=2, val_interval=1),
        param_scheduler=[dict(type=name, monitor='acc', patience=0, by_epoch=True)],
    )


def check_resuming(training, load, kill_at, **settings):
    whole = training('whole', [ExactResumeHook(), CheckpointCheckHook()], **settings)
    training('run', [ExactResumeHook(), CheckpointCheckHook()], kill_at('after_train_iter', 4), **settings)
    resumed = training('run', [ExactResumeHook(), CheckpointCheckHook()], resume=True, **settings)
    last = f'iter_{whole.iter}.pth'
    first, second = load('whole', last), load('run', last)
    assert resumed.iter == whole.iter
    for key, tensor in first['state_dict'].items():
        assert torch.equal(tensor, second['state_dict'][key])
    assert first['optimizer']['param_groups'] == second['optimizer']['param_groups']
    assert first['param_schedulers'] == second['param_schedulers']


class Careless(Hook):
    """Stores a function in checkpoints."""

    def before_save_checkpoint(self, runner, checkpoint):
        checkpoint['mine'] = check_resuming


def test_what_could_not_be_read_again_ends_training_at_the_first_checkpoint(training, names):
    with pytest.raises(InputError, match=r'iter_1\.pth would hold \S*check_resuming, which is code .* store numbers'):
        training(hooks=[Careless()])
    assert names() == []
