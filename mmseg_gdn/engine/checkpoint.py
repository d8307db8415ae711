"""Does a checkpoint belong to a model? mmengine only warns, and an unfit one would be tested all the same."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner.checkpoint import _load_checkpoint
from torch import nn

from mmseg_gdn.models.layers import GlobalInterp
from mmseg_gdn.utils import InputError


def check_checkpoint(model: nn.Module, path: str) -> dict[str, torch.Tensor]:
    """Make sure that a checkpoint holds exactly the parameters of a model.

    Matrices of global interpolation that start as bilinear may be missing: with them, the checkpoint of a stock model
    predicts what it always has.

    Args:
        model: The model it is to be loaded into, possibly wrapped for several processes or test time augmentation.
        path: A file, or an address that mmengine can load from.

    Returns:
        Its tensors by key.

    Raises:
        InputError: If it cannot be read, or if a key is missing, left over or of another shape.
    """
    weights = read_weights(path)
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    wanted = model.state_dict()
    optional = _bilinear_matrices(model)
    problems = [f'it lacks {key}' for key in wanted if key not in weights and key not in optional]
    problems += [f'{key} is unknown to the model' for key in weights if key not in wanted]
    problems += [
        f'{key} is {tuple(weights[key].shape)} instead of {tuple(wanted[key].shape)}' for key in wanted
        if key in weights and weights[key].shape != wanted[key].shape
    ]
    if problems:
        shown = '; '.join(problems[:3]) + ('; ...' if len(problems) > 3 else '')
        raise InputError(f"{path} is no checkpoint of this config's model ({len(problems)} of {len(wanted)} keys do "
                         f'not fit: {shown}); use the config it was trained with.')
    return weights


def load_weights(model: nn.Module, path: str) -> None:
    """Load a checkpoint that belongs to a model.

    Args:
        model: The model.
        path: A file, or an address that mmengine can load from.

    Raises:
        InputError: As :func:`check_checkpoint`.
    """
    model.load_state_dict(check_checkpoint(model, path), strict=False)


def _bilinear_matrices(model: nn.Module) -> set[str]:
    return {f'{name}.kernel_{side}' for name, module in model.named_modules()
            if isinstance(module, GlobalInterp) and module.init == 'bilinear' for side in 'hw'}


def read_weights(path: str) -> dict[str, torch.Tensor]:
    """The state dict in a checkpoint file.

    Args:
        path: A file, or an address that mmengine can load from.

    Returns:
        Tensors by key.

    Raises:
        InputError: If there is no such file or it is no checkpoint.
    """
    if '://' not in str(path) and not Path(path).is_file():
        raise InputError(f'There is no checkpoint {path}; training leaves its checkpoints in its work folder.')
    try:
        checkpoint = _load_checkpoint(str(path), map_location='cpu')
    # torch reports files that are no checkpoints by many kinds of exceptions.
    except Exception as error:
        raise InputError(f'{path} cannot be read as a checkpoint ({type(error).__name__}); '
                         'give a .pth file that training or a model converter has written.') from error
    weights = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else {}
    if not weights or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise InputError(f'{path} holds no state dict; '
                         'give a .pth file that training or a model converter has written.')
    return weights
