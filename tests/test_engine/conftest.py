"""A small training, by either of mmengine's runners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModel, MMDistributedDataParallel, MMFullyShardedDataParallel
from mmengine.runner import Runner
from mmengine.runner._flexible_runner import FlexibleRunner
from torch import distributed as dist
from torch import nn
from torch.utils.data import DataLoader, Dataset

from mmseg_gdn.models.layers import GlobalInterp


class Images(Dataset):
    """Small maps with full-size targets."""

    metainfo = {'classes': ('background', 'cat')}

    def __len__(self):
        return 40

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        return dict(
            inputs=torch.randn(2, 4, 4, generator=generator), data_samples=torch.randn(2, 8, 8, generator=generator)
        )


class Model(BaseModel):
    """Coarse maps brought to full size, compared with a target."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.interp = GlobalInterp((4, 4), (8, 8))

    def forward(self, inputs, data_samples, mode='tensor'):
        return dict(loss=(self.interp(self.conv(inputs)) - data_samples).square().mean())


@pytest.fixture
def model() -> Model:
    """A model with one pair of matrices."""
    return Model()


@pytest.fixture(params=[Runner, FlexibleRunner], ids=['Runner', 'FlexibleRunner'])
def train(request, tmp_path) -> Callable[..., Runner]:
    """Train a model in ``run``, with a checkpoint after each step, and give the runner."""
    count = 0

    def run(model: nn.Module, hooks: list, max_iters=2, lr=0.1, interval=1, **settings) -> Runner:
        nonlocal count
        count += 1
        runner = request.param(
            model,
            work_dir=str(tmp_path / 'run'),
            custom_hooks=hooks,
            experiment_name=f'{tmp_path.name}_{count}',
            train_dataloader=settings.pop('train_dataloader', DataLoader(Images(), batch_size=4)),
            train_cfg=dict(by_epoch=False, max_iters=max_iters),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=lr)),
            default_hooks=dict(
                checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=False),
                logger=dict(type='LoggerHook', interval=interval),
            ),
            log_processor=dict(by_epoch=False),
            randomness=dict(seed=0),
            **settings,
        )
        runner.train()
        return runner

    return run


@pytest.fixture
def read_log() -> Callable[[Runner], str]:
    """What a runner has logged."""
    return lambda runner: Path(runner.log_dir, f'{runner.timestamp}.log').read_text()


WRAPPERS = dict(
    plain=lambda model: model,
    ddp=lambda model: MMDistributedDataParallel(model, find_unused_parameters=True),
    fsdp=lambda model: MMFullyShardedDataParallel(model, device_id=torch.device('cpu')),
    fsdp_flat=lambda model: MMFullyShardedDataParallel(model, device_id=torch.device('cpu'), use_orig_params=False),
)


@pytest.fixture
def one_process(tmp_path, monkeypatch) -> Iterator[None]:
    """A group of one process."""
    monkeypatch.setenv('LOCAL_RANK', '0')
    dist.init_process_group('gloo', init_method=f'file://{tmp_path / "meeting"}', rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.fixture(params=WRAPPERS)
def wrap(request, one_process) -> Callable[[nn.Module], nn.Module]:
    """A wrapper of a model, for a group of one process."""
    return WRAPPERS[request.param]
