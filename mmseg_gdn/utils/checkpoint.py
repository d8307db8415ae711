"""Does a checkpoint belong to a model? mmengine only warns, and an unfit one would be tested all the same."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.runner.checkpoint import _load_checkpoint
from torch import nn

from .errors import InputError


def check_checkpoint(model: nn.Module, path: str) -> None:
    """Make sure that a checkpoint holds exactly the parameters of a model.

    Args:
        model: The model it is to be loaded into.
        path: A file, or an address that mmengine can load from.

    Raises:
        InputError: If it cannot be read, or if a key is missing, left over or of another shape.
    """
    weights = read_weights(path)
    wanted = model.state_dict()
    problems = [f'it lacks {key}' for key in wanted if key not in weights]
    problems += [f'{key} is unknown to the model' for key in weights if key not in wanted]
    problems += [
        f'{key} is {tuple(weights[key].shape)} instead of {tuple(wanted[key].shape)}' for key in wanted
        if key in weights and weights[key].shape != wanted[key].shape
    ]
    if problems:
        shown = '; '.join(problems[:3]) + ('; ...' if len(problems) > 3 else '')
        raise InputError(f"{path} is no checkpoint of this config's model ({len(problems)} of {len(wanted)} keys do "
                         f'not fit: {shown}); use the config it was trained with.')


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
