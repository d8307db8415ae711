"""Golden solver trajectories: a small net trained step by step through mmengine's optimizer wrapper."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.optim import build_optim_wrapper
from mmseg.registry import PARAM_SCHEDULERS
from torch import Tensor, nn

from mmseg_gdn.models import CaffeSoftmaxLoss, GlobalInterp

from .check import Check, relative_error
from .solver_config import optim_wrapper_config, param_scheduler_config

Arrays = Mapping[str, np.ndarray]

# Five times the agreement reported for PyTorch: 2.6e-5 of the distance moved for weights, 1.3e-6 for losses.
# Rates are compared with a formula in float64.
WEIGHT_TOLERANCE, LOSS_TOLERANCE, RATE_TOLERANCE = 1.3e-4, 6.5e-6, 1e-12

# The authors' layer overwrites its gradients in every backward pass: of several batches only the last counts.
_AUTHORS_LAYER = 'GlobalDeconvolutionLayer'

_PARAMETERS = {
    'conv1/0': 'conv1.weight',
    'conv1/1': 'conv1.bias',
    'conv2/0': 'conv2.weight',
    'conv2/1': 'conv2.bias',
    'gdn/0': 'interp.kernel_h',
    'gdn/1': 'interp.kernel_w',
}


class Trajectory(NamedTuple):
    """The record of T iterations of s batches each.

    Attributes:
        losses: Loss of every batch before the update, shape (T, s).
        rates: Learning rate of every update, shape (T,).
        weights: Initial weights and those after every update, shape (T + 1, ...), by Caffe's names.
    """

    losses: np.ndarray
    rates: np.ndarray
    weights: dict[str, np.ndarray]


def is_solver(arrays: Arrays) -> bool:
    """Whether the arrays of a golden file are trajectories of a solver."""
    return 'init/gdn/0' in arrays


def check_solver(arrays: Arrays) -> Iterator[Check]:
    """Compare every rate, loss and weight of every stored trajectory with this project's solver.

    Weights are kept in float32, as Caffe keeps them: both then lose the same updates to rounding, and even
    moves of one unit in the last place agree. In float64 they would not.

    Args:
        arrays: A golden file.

    Yields:
        One comparison per stored array.
    """
    for name, settings in json.loads(str(arrays['meta']))['sets'].items():
        stored = {key[len(name) + 1 :]: array for key, array in arrays.items() if key.startswith(f'{name}/')}
        actual = train(arrays, settings, iterations=len(stored['loss']))
        error = relative_error(actual.rates, stored['lr_formula'])
        yield Check(f'{name}/lr_formula', error, RATE_TOLERANCE)
        yield Check(f'{name}/loss', relative_error(actual.losses, stored['loss']), LOSS_TOLERANCE)
        for key, weights in actual.weights.items():
            error = trajectory_error(weights, stored[f'traj/{key}'])
            yield Check(f'{name}/traj/{key}', error, WEIGHT_TOLERANCE, 'of the distance moved')


def trajectory_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference at any step, relative to the largest distance that an expected weight has moved by then.

    Small distances are replaced by one with which a difference of 2 * 1.2e-7 of the largest weight (two units in the
    last place of float32) just passes :data:`WEIGHT_TOLERANCE`: weights that hardly move are not known more precisely.

    Args:
        actual: Initial weights and those after every update, shape (T + 1, ...).
        expected: The stored ones.

    Returns:
        The error; infinity for other shapes and values that are not finite.
    """
    if actual.shape != expected.shape or not np.isfinite(actual - expected).all():
        return float('inf')
    actual, expected = (array.astype(np.float64).reshape(len(array), -1) for array in (actual, expected))
    difference = np.abs(actual - expected).max(1)
    moved = np.abs(expected - expected[0]).max(1)
    resolution = 2 * np.finfo(np.float32).eps * np.abs(expected).max() + np.finfo(np.float32).tiny
    return float((difference / np.maximum(moved, resolution / WEIGHT_TOLERANCE)).max())


def train(arrays: Arrays, settings: Mapping, iterations: int) -> Trajectory:
    """Train from the stored initial weights on the stored batches.

    Args:
        arrays: A golden file.
        settings: ``solver``, ``loss_param``, ``lr_mult``... of one of its sets.
        iterations: Number T of updates.

    Returns:
        The trajectory.
    """
    solver, iter_size = settings['solver'], settings['solver'].get('iter_size', 1)
    net = ThinNet(arrays, settings['loss_param'])
    optim_wrapper = build_optim_wrapper(net, optim_wrapper_config(solver, _multipliers(settings)))
    schedulers = [
        PARAM_SCHEDULERS.build(dict(optimizer=optim_wrapper, **config)) for config in param_scheduler_config(solver)
    ]
    images = torch.from_numpy(arrays['data']).float() / 4
    labels = torch.from_numpy(arrays['label']).long().squeeze(2)

    losses, rates, weights = [], [], [net.caffe_weights()]
    for batch in range(iterations * iter_size):
        if settings['gdn_layer'] == _AUTHORS_LAYER:
            net.interp.zero_grad()
        loss = net(images[batch], labels[batch])
        losses.append(loss.item())
        rates.append(optim_wrapper.get_lr()['base_lr'][0])
        optim_wrapper.update_params(loss)
        weights.append(net.caffe_weights())
        for scheduler in schedulers:
            scheduler.step()
    return Trajectory(
        losses=np.reshape(losses, (iterations, iter_size)),
        rates=np.array(rates[iter_size - 1 :: iter_size]),
        weights={key: np.stack([step[key] for step in weights[::iter_size]]) for key in _PARAMETERS},
    )


def _multipliers(settings: Mapping) -> dict[str, tuple[float, float]]:
    weight, bias = zip(settings['lr_mult'], settings['decay_mult'])
    gdn = settings['gdn_lr_mult'], settings['gdn_decay_mult']
    return {'weight': weight, 'bias': bias, 'interp.kernel': gdn}


class ThinNet(nn.Module):
    """conv1 3x3/2 - ReLU - max pool 3x3/2 - conv2 1x1 - GDN - softmax loss, with the stored initial weights.

    Args:
        arrays: A golden file; its ``init/*`` determine all sizes.
        loss_param: Caffe's ``LossParameter`` as text.
    """

    def __init__(self, arrays: Arrays, loss_param: str) -> None:
        super().__init__()
        start = {name: torch.from_numpy(_flip(key, arrays[f'init/{key}'])) for key, name in _PARAMETERS.items()}
        (coarse_h, fine_h), (coarse_w, fine_w) = arrays['init/gdn/0'].shape, arrays['init/gdn/1'].shape
        self.conv1 = nn.Conv2d(*start['conv1.weight'].shape[1::-1], 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(*start['conv2.weight'].shape[1::-1], 1)
        self.interp = GlobalInterp((coarse_h, coarse_w), (fine_h, fine_w), size_policy='error')
        self.load_state_dict(start)

        fields = dict(re.findall(r'(\w+): *([-\w]+)', loss_param))
        self.ignore_index = int(fields['ignore_label'])
        self.loss = CaffeSoftmaxLoss(
            normalization=fields['normalization'].lower() if 'normalization' in fields else None,
            normalize=fields.get('normalize') != 'false',
        )

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Loss of images (N, C, H, W) with labels (N, H, W)."""
        x = F.max_pool2d(F.relu(self.conv1(images)), 3, stride=2, padding=1, ceil_mode=True)
        return self.loss(self.interp(self.conv2(x)), labels, ignore_index=self.ignore_index)

    def caffe_weights(self) -> dict[str, np.ndarray]:
        """Copies of all weights as Caffe stores them."""
        return {key: _flip(key, self.get_parameter(name).detach().numpy()) for key, name in _PARAMETERS.items()}


def _flip(key: str, array: np.ndarray) -> np.ndarray:
    """A copy for PyTorch of what Caffe stores, or the reverse: GDN's matrices are transposed."""
    return (array.T if key.startswith('gdn') else array).copy()
