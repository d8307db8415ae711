"""A training that was interrupted ends with the same weights."""

import random

import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from torch import nn

from mmseg_gdn.engine.hooks import IterationSeedHook
from mmseg_gdn.stack import find_stack


class Images(torch.utils.data.Dataset):
    """Vectors, if wanted augmented with the random numbers that mmseg's transforms use."""

    metainfo = {}

    def __init__(self, augmented):
        self.augmented = augmented

    def __len__(self):
        return 8

    def __getitem__(self, index):
        change = np.random.rand() + random.random() if self.augmented else 0
        return torch.full((16,), (index + change) / 10)


class Model(nn.Module):
    """Weights whose updates depend on dropout."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Dropout(), nn.Linear(16, 4), nn.Dropout(), nn.Linear(4, 1))

    def train_step(self, data, optim_wrapper):
        loss = self.layers(torch.stack(data)).square().mean()
        optim_wrapper.update_params(loss)
        return dict(loss=loss)

    def val_step(self, data):
        return []


@pytest.fixture
def train(tmp_path):
    """Train for some iterations, or go on; gives the weights at the end."""

    def run(name, max_iters, hooks, workers=0, resume=False, augmented=False):
        torch.manual_seed(0)
        runner = Runner(
            Model(), str(tmp_path / name), resume=resume, randomness=dict(seed=3), custom_hooks=hooks,
            train_dataloader=dict(batch_size=2, num_workers=workers, dataset=Images(augmented),
                                  sampler=dict(type='InfiniteSampler', shuffle=True)),
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=max_iters),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
            experiment_name=f'{tmp_path.name}_{name}_{max_iters}',
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=False)))
        runner.train()
        return torch.cat([value.flatten() for value in runner.model.state_dict().values()])

    return run


@pytest.mark.parametrize('workers', [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize('augmented', [False, pytest.param(True, marks=pytest.mark.skipif(
    find_stack().is_onedl, reason="OneDL's loop does not replay augmentations"))])
def test_a_resumed_training_ends_as_one_that_was_not_interrupted(train, workers, augmented):
    whole = train('whole', 6, [IterationSeedHook()], workers, augmented=augmented)
    train('parts', 4, [IterationSeedHook()], workers, augmented=augmented)
    assert torch.equal(train('parts', 6, [IterationSeedHook()], workers, resume=True, augmented=augmented), whole)


def test_without_the_hook_dropout_differs_after_resuming(train):
    whole = train('whole', 6, [])
    train('parts', 4, [])
    assert not torch.equal(train('parts', 6, [], resume=True), whole)


def test_iterations_draw_different_numbers(train):
    drawn = []

    class Watch(IterationSeedHook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            drawn.append(torch.rand(1).item())

    train('whole', 4, [Watch()])
    assert len(set(drawn)) == 4
