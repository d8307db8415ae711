"""Does a checkpoint belong to a model? If not, mmengine only warns and keeps random weights."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.runner.checkpoint import _load_checkpoint
from torch import nn

from mmseg_gdn.models.layers import GlobalInterp
from mmseg_gdn.utils import InputError

from .unwrap import plain_name, whole_model

# Keys of parts that predictions do not use.
_TRAINING_ONLY = re.compile(r'(^|\.)(auxiliary_head|label_branch)\.')


def check_weights(model: nn.Module,
                  weights: Mapping[str, torch.Tensor],
                  source: str,
                  resuming: bool = False,
                  partial: bool = False) -> None:
    """Make sure that weights belong to a model, and log those that the model does not use.

    Unless training resumes, two kinds of weights may be missing: those of parts that only training uses, and matrices
    of global interpolation that start as bilinear, with which a stock checkpoint predicts what it always has. Matrices
    may also have other sizes than the model's, because :class:`GlobalInterp` resamples them.

    Args:
        model: The model to load them into, possibly wrapped. With FSDP, all processes have to make this call.
        weights: Tensors by key, without the prefix ``module.``.
        source: Where they come from, for messages.
        resuming: Whether the state of an optimizer comes with them, which requires exactly the same parameters.
        partial: Whether weights that do not fit cause a warning instead of an error, unless training resumes.

    Raises:
        InputError: If a key is missing or has another shape.
    """
    wanted, matrices, bilinear = _shapes(model)
    missing = [key for key in wanted if key not in weights and 'num_batches_tracked' not in key]
    reshaped = [key for key, shape in wanted.items() if key in weights and weights[key].shape != shape]
    if not resuming:
        missing = [key for key in missing if key not in bilinear and not _TRAINING_ONLY.search(key)]
        reshaped = [key for key in reshaped if key not in matrices]
    problems = [f'it lacks {key}' for key in missing]
    problems += [f'{key} is {tuple(weights[key].shape)} instead of {tuple(wanted[key])}' for key in reshaped]
    if problems:
        message = (f"{source} does not fit this config's model ({len(problems)} of {len(wanted)} keys: "
                   f'{_first(problems, "; ")})')
        if resuming:
            raise InputError(f'{message}, so training cannot resume from it; resume with the config it was trained '
                             'with, or start a new training from its weights, with load_from and without resuming.')
        if not partial:
            raise InputError(f'{message}; use the config it was trained with. To start training from the weights that '
                             'do fit, add --cfg-options default_hooks.check_checkpoint.partial=True.')
        print_log(f'{message}; these keep their initial values.', 'current', logging.WARNING)
    left_over = [key for key in weights if key not in wanted]
    if left_over:
        print_log(f'{source} has keys that the model does not use ({len(left_over)}: {_first(left_over, ", ")}).',
                  'current', logging.WARNING)


def check_checkpoint(model: nn.Module, path: str) -> dict[str, torch.Tensor]:
    """Make sure that a checkpoint belongs to a model for predictions.

    Args:
        model: The model to load it into, possibly wrapped.
        path: A file, or an address that mmengine can load from.

    Returns:
        Its tensors by key.

    Raises:
        InputError: If it cannot be read, or does not fit (:func:`check_weights`).
    """
    weights = read_weights(path)
    check_weights(model, weights, path)
    return weights


def load_weights(model: nn.Module, path: str) -> None:
    """Load a checkpoint, if it belongs to the model.

    Args:
        model: The model.
        path: A file, or an address that mmengine can load from.

    Raises:
        InputError: See :func:`check_checkpoint`.
    """
    model.load_state_dict(check_checkpoint(model, path), strict=False)


def read_weights(path: str) -> dict[str, torch.Tensor]:
    """The state dict in a checkpoint file.

    Args:
        path: A file, or an address that mmengine can load from.

    Returns:
        Tensors by key, without the prefix ``module.`` of wrapped models.

    Raises:
        InputError: If there is no such file, or if it is not a checkpoint.
    """
    checkpoint = _read(path, 'cpu')
    bring_to_standard_form(checkpoint, path)
    return checkpoint['state_dict']


def require_checkpoint(path: str) -> None:
    """Make sure that there is a readable checkpoint, before a model is built for it.

    Args:
        path: A file, an address that mmengine can load from, or a folder with one file for each process of FSDP.

    Raises:
        InputError: If there is no such file, or if it is not a checkpoint.
    """
    if Path(path).is_dir():
        path = str(Path(path, 'rank0.pth'))
    # Tensors on the meta device are not read.
    _read(path, 'cpu' if _is_address(path) else 'meta')


def bring_to_standard_form(checkpoint: dict[str, Any], source: str) -> None:
    """Put the weights of a checkpoint under ``state_dict`` and drop the prefix ``module.`` of wrapped models.

    mmengine does so only for some of its strategies and hooks.

    Args:
        checkpoint: Content of a checkpoint file; changed in place.
        source: Where it comes from, for messages.

    Raises:
        InputError: If it has no tensors.
    """
    if 'state_dict' not in checkpoint:
        weights = dict(checkpoint)
        checkpoint.clear()
        checkpoint['state_dict'] = weights
    weights = checkpoint['state_dict']
    if not weights or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise InputError(f'{source} has no state dict; give a .pth file written by training or by a model converter.')
    if any(key.startswith('module.') for key in weights):
        checkpoint['state_dict'] = {key.removeprefix('module.'): value for key, value in weights.items()}


def _shapes(model: nn.Module) -> tuple[dict[str, torch.Size], set[str], set[str]]:
    """Shapes by key, the keys of all matrices of global interpolation, and the keys of those that start as bilinear."""
    with whole_model(model) as whole:
        modules = [(plain_name(name), module) for name, module in whole.named_modules()]
        shapes = {
            f'{name}.{key}' if name else key: tensor.shape
            for name, module in modules for key, tensor in _own_state(module).items()
        }
        pairs = [(name, module) for name, module in modules if isinstance(module, GlobalInterp)]
        matrices, bilinear = (
            {f'{name}.kernel_{side}' for name, module in some for side in 'hw'}
            for some in (pairs, [(name, module) for name, module in pairs if module.init == 'bilinear'])
        )
    return shapes, matrices, bilinear


def _own_state(module: nn.Module) -> dict[str, torch.Tensor]:
    """State dict of a module itself, without its children."""
    state = {}
    module._save_to_state_dict(state, '', keep_vars=True)
    return state


def _read(path: str, device: str) -> dict[str, Any]:
    if not _is_address(path) and not Path(path).is_file():
        raise InputError(f'There is no checkpoint {path}; training writes its checkpoints to its work folder.')
    try:
        checkpoint = _load_checkpoint(str(path), map_location=device)
    # torch reports files that are not checkpoints by many kinds of exceptions.
    except Exception as error:
        raise InputError(f'{path} cannot be read as a checkpoint ({type(error).__name__}); '
                         'give a .pth file written by training or by a model converter.') from error
    if not isinstance(checkpoint, dict):
        raise InputError(f'{path} has no state dict; give a .pth file written by training or by a model converter.')
    return checkpoint


def _is_address(path: str) -> bool:
    return '://' in str(path)


def _first(names: list[str], separator: str) -> str:
    return separator.join(names[:3]) + (f'{separator}...' if len(names) > 3 else '')
