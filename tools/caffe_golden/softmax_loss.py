"""Golden values of Caffe's softmax loss for each of its normalisations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from mmseg_gdn.models import CaffeSoftmaxLoss

from .check import Check, relative_error

Arrays = Mapping[str, np.ndarray]

# Five times the agreement reported for PyTorch: 8e-6 for losses and 5e-6 for gradients.
LOSS_TOLERANCE, GRADIENT_TOLERANCE = 4e-5, 2.5e-5

_VOID = 255


def check_softmax_loss(arrays: Arrays) -> Iterator[Check]:
    """Compare loss and gradient for every stored normalisation, for void labels, and at the floor.

    Args:
        arrays: A golden file; without ``lossnorm/*`` there is nothing to compare.

    Yields:
        One comparison per stored array.
    """
    for name in _settings(arrays):
        label = torch.from_numpy(arrays['lossnorm/label']).long().squeeze(1)
        if name.endswith('_all_void'):
            label = torch.full_like(label, _VOID)
        loss, gradient = _loss_and_gradient(arrays['lossnorm/score'], label, **_arguments(name))
        key = f'lossnorm/{name}'
        yield Check(f'{key}/loss', relative_error(loss, arrays[f'{key}/loss']), LOSS_TOLERANCE)
        if f'{key}/score_diff' in arrays:
            error = relative_error(gradient, arrays[f'{key}/score_diff'])
            yield Check(f'{key}/score_diff', error, GRADIENT_TOLERANCE)

    if 'lossnorm/floor_loss' in arrays:
        improbable = np.array([0, -200], np.float32).reshape(1, 2, 1, 1)
        loss, _ = _loss_and_gradient(improbable, torch.ones(1, 1, 1, dtype=torch.long))
        error = relative_error(loss, arrays['lossnorm/floor_loss'])
        yield Check('lossnorm/floor_loss', error, LOSS_TOLERANCE)


def _settings(arrays: Arrays) -> list[str]:
    keys = (key.split('/') for key in arrays)
    return [key[1] for key in keys if key[0] == 'lossnorm' and key[-1] == 'loss']


def _arguments(name: str) -> dict:
    """Arguments of the loss for ``default``, ``FULL_all_void``, ``VALID_and_normalize_false``..."""
    arguments = {}
    for setting in name.replace('_all_void', '').split('_and_'):
        if setting.startswith('normalize_'):
            arguments['normalize'] = setting == 'normalize_true'
        elif setting != 'default':
            arguments['normalization'] = setting.lower()
    return arguments


def _loss_and_gradient(score: np.ndarray, label: Tensor, **arguments) -> tuple[np.ndarray, np.ndarray]:
    leaf = torch.tensor(score, requires_grad=True)
    loss = CaffeSoftmaxLoss(**arguments)(leaf, label, ignore_index=_VOID)
    loss.backward()
    return loss.detach().numpy().reshape(1), leaf.grad.numpy()
