"""Training in parts by FlexibleRunner and FSDP, stopped and resumed."""

from pathlib import Path

import pytest
import torch
from mmengine.runner._flexible_runner import FlexibleRunner

from mmseg_gdn.engine.hooks import CheckpointCheckHook, GlobalInterpHook
from mmseg_gdn.utils import InputError

pytestmark = [
    pytest.mark.usefixtures('one_process'),
    pytest.mark.parametrize('train', [FlexibleRunner], indirect=True),
]
# mmengine would put the parts on a GPU; a checkpoint of the whole model needs 'full'.
SHARDED = dict(
    type='FSDPStrategy',
    state_dict_cfg='full',
    model_wrapper=dict(type='MMFullyShardedDataParallel', device_id=torch.device('cpu')),
)


def train_sharded(train, model, max_iters, **settings):
    hooks = [CheckpointCheckHook(), GlobalInterpHook()]
    return train(model, hooks, max_iters, strategy=dict(SHARDED), launcher='pytorch', **settings)


def checkpoint(runner, step):
    return torch.load(Path(runner.work_dir, f'iter_{step}.pth'), weights_only=True)


def test_a_resumed_training_goes_on_and_counts_movement_from_its_first_start(model, train):
    start = model.interp.kernel_h.detach().clone()
    runner = train_sharded(train, model, 2)
    second = checkpoint(runner, 2)
    runner = train_sharded(train, type(model)(), 3, resume=True)
    third = checkpoint(runner, 3)
    assert third['meta']['iter'] == 3
    key = 'interp.kernel_h'
    # Another start of the weights would give another movement.
    assert not torch.equal(second['state_dict'][key], third['state_dict'][key])
    way = float((third['state_dict'][key] - start).norm() / start.norm())
    moved = runner.message_hub.get_scalar(f'train/{key}.moved').current()
    assert moved == pytest.approx(way, rel=1e-4)


def test_a_checkpoint_of_another_model_is_refused(model, train):
    train_sharded(train, model, 1)
    other = type(model)()
    other.more = torch.nn.Linear(2, 2)
    with pytest.raises(InputError, match=r'it lacks more\.weight; it lacks more\.bias.*cannot resume'):
        train_sharded(train, other, 2, resume=True)
