"""Two ways to train: the head on features of a frozen trunk, and the whole network by mmengine's Runner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from experiments import Experiment
from features import Features, cached, extract
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner, set_random_seed
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS, PARAM_SCHEDULERS
from recipe import model as model_config
from recipe import optim_wrapper, param_scheduler, whole_training

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
    return _train_head(experiment, folder, weights, scratch / 'features')


def _train_whole(experiment: Experiment, folder: Path, weights: Path, work_dir: Path) -> Trained:
    runner = Runner(**whole_training(experiment, folder, weights, work_dir), experiment_name=experiment.name,
                    log_level='WARNING')
    runner.train()
    return runner.model.decode_head, extract(runner.model, experiment.data, folder, 'val')


def _train_head(experiment: Experiment, folder: Path, weights: Path, cache: Path) -> Trained:
    set_random_seed(experiment.seed)
    model = MODELS.build(model_config(experiment, weights))
    model.init_weights()
    plain, mirrored, val = (
        cached(model, weights, experiment.data, folder, split, mirror, cache)
        for split, mirror in (('train', False), ('train', True), ('val', False)))

    head = model.decode_head.train()
    optimizer = build_optim_wrapper(head, optim_wrapper(experiment))
    schedulers = [PARAM_SCHEDULERS.build(cfg, default_args=dict(optimizer=optimizer))
                  for cfg in param_scheduler(experiment)]
    set_random_seed(experiment.seed)  # dropout draws alike, whatever building the model has drawn
    for indices, mirror in _batches(len(plain), experiment):
        inputs, samples = (mirrored if mirror else plain).batch(indices)
        loss, _ = BaseModel.parse_losses(head, head.loss(inputs, samples, train_cfg=None))
        optimizer.update_params(loss)
        for scheduler in schedulers:
            scheduler.step()
    return head, val


def _batches(count: int, experiment: Experiment) -> list[tuple[torch.Tensor, bool]]:
    """Indices of each batch, each image once before any comes again, and whether the batch is mirrored."""
    generator = np.random.default_rng(experiment.seed)
    needed = experiment.iterations * experiment.batch
    order = np.concatenate([generator.permutation(count) for _ in range(-(-needed // count))])[:needed]
    mirror = generator.random(experiment.iterations) < 0.5
    return [(torch.from_numpy(indices), bool(flip))
            for indices, flip in zip(order.reshape(experiment.iterations, experiment.batch), mirror)]
