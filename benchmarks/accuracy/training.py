"""Two ways to train: on features that a frozen trunk made once, and the whole network by mmengine's Runner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from experiments import Experiment
from features import Features, Inputs, cached, extract
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner, set_random_seed
from mmseg.models import MobileNetV2
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS, PARAM_SCHEDULERS
from recipe import model as model_config
from recipe import optim_wrapper, param_scheduler, whole_training
from torch import nn

Trained = tuple[BaseDecodeHead, Features]


def train(experiment: Experiment, folder: Path, weights: Path, scratch: Path) -> Trained:
    """Train as the experiment says.

    Args:
        experiment: What to train.
        folder: Where the data set lies.
        weights: ImageNet weights of the trunk.
        scratch: Folder for caches and logs.

    Returns:
        The trained head, and the features of the validation images that it is to be judged by.
    """
    if experiment.trunk == 'trained':
        return _train_whole(experiment, folder, weights, scratch / experiment.name)
    return _train_on_features(experiment, folder, weights, scratch / 'features')


def _train_whole(experiment: Experiment, folder: Path, weights: Path, work_dir: Path) -> Trained:
    runner = Runner(**whole_training(experiment, folder, weights, work_dir), experiment_name=experiment.name,
                    log_level='WARNING')
    runner.train()
    return runner.model.decode_head, extract(runner.model, experiment.data, folder, 'val')


def _train_on_features(experiment: Experiment, folder: Path, weights: Path, cache: Path) -> Trained:
    set_random_seed(experiment.seed)
    model = MODELS.build(model_config(experiment, weights))
    model.init_weights()
    level = 2 if experiment.trunk == 'top' or experiment.stride == 16 else 3
    plain, mirrored, val = (
        cached(model, weights, experiment.data, folder, split, mirror, cache, level)
        for split, mirror in (('train', False), ('train', True), ('val', False)))

    stages = _stages_after_features(model.backbone) if experiment.trunk == 'top' else nn.Sequential()
    head = model.decode_head
    trained = nn.ModuleDict(dict(stages=stages, decode_head=head)).train()
    optimizer = build_optim_wrapper(trained, optim_wrapper(experiment))
    schedulers = [PARAM_SCHEDULERS.build(cfg, default_args=dict(optimizer=optimizer))
                  for cfg in param_scheduler(experiment)]
    set_random_seed(experiment.seed)  # dropout draws alike, whatever building the model has drawn
    for indices, mirror in _batches(len(plain), experiment):
        inputs, samples = (mirrored if mirror else plain).batch(indices)
        losses = head.loss(_pass_stages(stages, inputs), samples, train_cfg=None)
        optimizer.update_params(BaseModel.parse_losses(head, losses)[0])
        for scheduler in schedulers:
            scheduler.step()
    return head, _features_after(stages.eval(), val)


def _stages_after_features(backbone: MobileNetV2) -> nn.Sequential:
    """The stages that make features of stride 32 from those of stride 16: two thirds of the trunk's weights."""
    return nn.Sequential(backbone.layer6, backbone.layer7)


def _pass_stages(stages: nn.Sequential, inputs: Inputs) -> Inputs:
    return (None, None, None, stages(inputs[2])) if len(stages) else inputs


@torch.no_grad()
def _features_after(stages: nn.Sequential, features: Features) -> Features:
    inputs, _ = features.batch(torch.arange(len(features)))
    return Features(_pass_stages(stages, inputs), features.masks)


def _batches(count: int, experiment: Experiment) -> list[tuple[torch.Tensor, bool]]:
    """Indices of each batch, each image once before any comes again, and whether the batch is mirrored."""
    generator = np.random.default_rng(experiment.seed)
    needed = experiment.iterations * experiment.batch
    order = np.concatenate([generator.permutation(count) for _ in range(-(-needed // count))])[:needed]
    mirror = generator.random(experiment.iterations) < 0.5
    return [(torch.from_numpy(indices), bool(flip))
            for indices, flip in zip(order.reshape(experiment.iterations, experiment.batch), mirror)]
