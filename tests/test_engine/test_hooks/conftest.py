"""A training whose every step depends on chance: of the images' order, of augmentation and of dropout."""

from __future__ import annotations

import random
from itertools import count
from pathlib import Path
from typing import Any, Callable

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset


class Images(Dataset):
    """Vectors, augmented with all the random numbers that transforms use; notes which were read in this process."""

    metainfo = {}

    def __init__(self):
        self.read = []

    def __len__(self):
        return 7

    def __getitem__(self, index):
        self.read.append(index)
        change = np.random.rand() + random.random() + torch.rand(1).item()
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
        return [torch.rand(1)]


class Score(BaseMetric):
    """A number that only the weights decide."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def process(self, data_batch, data_samples):
        self.results.append(float(self.model.layers[1].weight.detach().sum()))

    def compute_metrics(self, results):
        return dict(acc=-results[0])


class Killed(BaseException):
    """The process is gone; nothing reacts."""


class KillAt(Hook):
    """Ends training at once, in the hooks' method of a name, when so many iterations are done."""

    priority = 'LOWEST'

    def __init__(self, method: str, iteration: int) -> None:
        setattr(self, method, lambda runner, *args, **kwargs: self._kill(runner))
        self._iteration = iteration + (method == 'before_val_iter') - 1

    def _kill(self, runner: Runner) -> None:
        if runner.iter == self._iteration:
            raise Killed


@pytest.fixture
def training(tmp_path) -> Callable[..., Runner]:
    """Train in a folder of a name for six iterations or, if it is killed before, fewer; gives the runner."""
    numbers = count()

    def run(
        folder: str = 'run', hooks: Any = (), kill: Hook | None = None, saving: dict | None = None, **settings: Any
    ) -> Runner:
        torch.manual_seed(0)
        model = Model()
        images = dict(batch_size=2, num_workers=0, dataset=Images(), sampler=dict(type='InfiniteSampler', shuffle=True))
        validation = dict(
            batch_size=4, num_workers=0, dataset=Images(), sampler=dict(type='DefaultSampler', shuffle=False)
        )
        defaults = dict(
            randomness=dict(seed=3),
            train_dataloader=images,
            val_dataloader=validation,
            val_cfg=dict(),
            train_cfg=dict(by_epoch=False, max_iters=6, val_interval=2),
            val_evaluator=[Score(model)],
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
            param_scheduler=[dict(type='PolyLR', by_epoch=False, end=6)],
            log_processor=dict(by_epoch=False),
        )
        saving = dict(dict(type='DurableCheckpointHook', interval=1, by_epoch=False), **saving or {})
        runner = Runner(
            model,
            str(tmp_path / folder),
            experiment_name=f'{tmp_path.name}_{next(numbers)}',
            log_level='ERROR',
            default_scope='mmseg',
            custom_hooks=[*hooks, *([kill] if kill else [])],
            default_hooks=dict(checkpoint=saving, logger=dict(type='LoggerHook', interval=1)),
            **(defaults | settings),
        )
        try:
            runner.train()
        except Killed:
            assert kill
        return runner

    return run


@pytest.fixture
def load(tmp_path) -> Callable[..., dict]:
    """Content of a checkpoint in a folder of a name, by default that of the last iteration."""
    return lambda folder='run', name='iter_6.pth': torch.load(tmp_path / folder / name, weights_only=True)


@pytest.fixture
def kill_at() -> type[KillAt]:
    """A hook that ends training as if the process was killed."""
    return KillAt


@pytest.fixture
def names(tmp_path) -> Callable[..., list[str]]:
    """Names of the checkpoints in a folder of a name."""
    return lambda folder='run': sorted(path.name for path in Path(tmp_path, folder).glob('*.pth'))


@pytest.fixture
def images():
    """Settings of a data loader."""

    def make(images, workers=0, sampler='InfiniteSampler'):
        return dict(
            batch_size=2,
            num_workers=workers,
            persistent_workers=workers > 0,
            dataset=images,
            sampler=dict(type=sampler, shuffle=True),
        )

    return make


@pytest.fixture
def dataset(training, kill_at):
    """The images that the trainings of this test have in common."""
    return training('unused', kill=kill_at('before_train_iter', 1)).train_dataloader.dataset
