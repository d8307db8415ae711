"""Ways to train: on features that a frozen trunk made once, on fixed scores, and the whole network by a Runner."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from experiment import Experiment
from features import Features, View, cached, extract
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner, set_random_seed
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS, PARAM_SCHEDULERS
from network import Network, ScoresOnly, feature_level
from recipe import for_fit_kernels, optim_wrapper, param_scheduler, whole_training
from recipe import model as model_config
from torch import Tensor

from mmseg_gdn.models.train_only import freeze_others
from mmseg_gdn.utils import InputError, atomic_write

_BATCH = 8
_FIT_KERNELS = Path(__file__).parents[2] / 'tools' / 'fit_kernels.py'


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        network: What was trained.
        val: Features of the validation images that it is to be judged by.
        seconds_per_iteration: CPU time of an iteration; ``None`` if nothing was trained here.
    """

    network: Network
    val: Features
    seconds_per_iteration: float | None


def train(experiment: Experiment, folder: Path, weights: Path, scratch: Path, workers: int = 0) -> Trained:
    """Train as the experiment says.

    Args:
        experiment: What to train.
        folder: Where the data set lies.
        weights: ImageNet weights of the trunk.
        scratch: Folder for caches, logs and trained weights.
        workers: Processes that load images when the whole network is trained.

    Returns:
        The trained network.

    Raises:
        InputError: If the run starts from the weights of one that has not been made.
    """
    if experiment.trunk == 'trained':
        return _train_whole(experiment, folder, weights, scratch, workers)
    set_random_seed(experiment.seed)
    model = MODELS.build(model_config(experiment, weights))
    model.init_weights()
    network = Network(model, experiment)
    level = network.level

    def view(split: str, **changes: bool | float) -> Features:
        return cached(model, weights, experiment, folder, View(split, **changes), scratch / 'features', level)

    val = view('val', scale=experiment.test_scale)
    if experiment.parent is not None:
        _load_parent(network, experiment, scratch)
    seconds = None
    if experiment.learns == 'fit_kernels':
        _fit_kernels(network, model, experiment, folder, weights, scratch)
    elif experiment.learns != 'nothing':
        views = (
            [view('train', crops=True)]
            if experiment.views == 'crops'
            else [view('train'), view('train', mirrored=True)]
        )
        if experiment.learns == 'matrices':
            views = [_scores(network, features) for features in views]
            freeze_others(network, ['decode_head.interp'])
        trained = ScoresOnly(network) if experiment.learns == 'matrices' else network
        seconds = _train_on_features(trained, experiment, views)
        _save(network, experiment, scratch)
    return Trained(network.eval(), val, seconds)


def _train_on_features(network: Network | ScoresOnly, experiment: Experiment, views: list[Features]) -> float:
    """Train; gives the CPU time of an iteration."""
    network.train()
    optimizer = build_optim_wrapper(network, optim_wrapper(experiment))
    schedulers = [
        PARAM_SCHEDULERS.build(cfg, default_args=dict(optimizer=optimizer)) for cfg in param_scheduler(experiment)
    ]
    set_random_seed(experiment.seed)  # dropout draws alike, whatever building the model has drawn
    started = time.process_time()
    for indices, view in _batches(len(views[0]), len(views), experiment):
        losses = network.losses(*views[view].batch(indices))
        optimizer.update_params(BaseModel.parse_losses(network, losses)[0])
        for scheduler in schedulers:
            scheduler.step()
    return (time.process_time() - started) / experiment.iterations


def _batches(count: int, views: int, experiment: Experiment) -> list[tuple[Tensor, int]]:
    """Indices of each batch, each image once before any comes again, and which view of the images is taken."""
    generator = np.random.default_rng(experiment.seed)
    needed = experiment.iterations * experiment.batch
    order = np.concatenate([generator.permutation(count) for _ in range(-(-needed // count))])[:needed]
    is_second = generator.random(experiment.iterations) < 0.5
    return [
        (torch.from_numpy(indices), min(int(second), views - 1))
        for indices, second in zip(order.reshape(experiment.iterations, experiment.batch), is_second)
    ]


def _scores(network: Network, features: Features) -> Features:
    """Coarse scores in place of features."""
    network.eval()
    scores = [
        network.coarse_scores(features.batch(indices)[0]) for indices in torch.arange(len(features)).split(_BATCH)
    ]
    return Features((torch.cat(scores),), features.masks)


def _train_whole(experiment: Experiment, folder: Path, weights: Path, scratch: Path, workers: int) -> Trained:
    config = whole_training(experiment, folder, weights, scratch / experiment.weights_name, workers)
    runner = Runner(**config, experiment_name=experiment.weights_name, log_level='WARNING')
    started = time.process_time()
    runner.train()
    seconds = (time.process_time() - started) / experiment.iterations
    val = extract(runner.model, experiment, folder, View('val'), feature_level(experiment))
    network = Network(runner.model, experiment).cpu()
    _save(network, experiment, scratch)
    return Trained(network.eval(), val, seconds)


def _fit_kernels(
    network: Network, model: EncoderDecoder, experiment: Experiment, folder: Path, weights: Path, scratch: Path
) -> None:
    """Let the tool fit matrices to the baseline, and load them."""
    work_dir = scratch / 'fitted' / experiment.weights_name
    work_dir.mkdir(parents=True, exist_ok=True)
    Config(for_fit_kernels(experiment.parent, folder, weights)).dump(work_dir / 'stock.py')
    torch.save(
        dict(
            state_dict={
                name: value.contiguous() for name, value in model.state_dict().items() if 'interp.kernel' not in name
            }
        ),
        work_dir / 'stock.pth',
    )
    outcome = subprocess.run(
        [
            sys.executable,
            str(_FIT_KERNELS),
            str(work_dir / 'stock.py'),
            str(work_dir / 'stock.pth'),
            '--out',
            str(work_dir / 'gdn.pth'),
            '--force',
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    (work_dir / 'log.txt').write_text(outcome.stdout + outcome.stderr)
    if outcome.returncode:
        raise InputError(f'tools/fit_kernels.py failed; see {work_dir / "log.txt"}.')
    fitted = torch.load(work_dir / 'gdn.pth', weights_only=True)['state_dict']
    for name, matrix in network.decode_head.interp.named_parameters():
        matrix.data.copy_(fitted[f'decode_head.interp.{name}'])


def _weights_file(experiment: Experiment, scratch: Path) -> Path:
    return scratch / 'weights' / f'{experiment.weights_name}.pth'


def _save(network: Network, experiment: Experiment, scratch: Path) -> None:
    with atomic_write(_weights_file(experiment, scratch)) as partial:
        torch.save(network.state_dict(), partial)


def _load_parent(network: Network, experiment: Experiment, scratch: Path) -> None:
    """Load the weights of the run that this one starts from; matrices and a classification loss may start anew."""
    _load(network, experiment, experiment.parent, scratch, may_be_new=('decode_head.interp.', 'label_'))


def load_trained(network: Network, experiment: Experiment, scratch: Path) -> None:
    """Load the weights that a run has left.

    Args:
        network: The network of the run.
        experiment: The run.
        scratch: Folder of the trained weights.

    Raises:
        InputError: If they are missing, or those of another network.
    """
    _load(network, experiment, experiment, scratch, may_be_new=())


def _load(
    network: Network, experiment: Experiment, run: Experiment, scratch: Path, may_be_new: tuple[str, ...]
) -> None:
    path = _weights_file(run, scratch)
    if not path.is_file():
        raise InputError(f'{experiment.name} starts from {path}, which does not exist; run that experiment first.')
    missing, unexpected = network.load_state_dict(torch.load(path, weights_only=True), strict=False)
    if unexpected or any(not name.startswith(may_be_new) for name in missing):
        raise InputError(
            f'{path} has weights of another network than {experiment.name}; delete it, and the result of its run.'
        )
