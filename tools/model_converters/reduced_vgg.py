"""Reading the VGG-16 with reduced fc6 and fc7 in the layout of SSD's PyTorch port."""

from __future__ import annotations

from pathlib import Path

import torch

from mmseg_gdn.caffe import CaffeLayer
from mmseg_gdn.utils import InputError

_NAMES = [f'conv{stage}_{number}' for stage, count in enumerate((2, 2, 3, 3, 3), 1) for number in range(1, count + 1)]


def read_reduced_vgg(path: Path) -> dict[str, CaffeLayer]:
    """Read the layers of ``vgg16_reducedfc.pth``.

    Its keys are positions in a sequence that also counts ReLU and pooling: '0.weight', '0.bias', '2.weight' ... for the
    13 convolutions, and then fc6 (3x3) and fc7 (1x1).

    Args:
        path: The file.

    Returns:
        Layers by Caffe's names, as in the file: the input order is not changed.

    Raises:
        InputError: If the file is no such state dict.
    """
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
        positions = sorted({int(key.split('.')[0]) for key in state})
        layers = {
            name: CaffeLayer(
                name, 'Convolution', tuple(state[f'{position}.{part}'].numpy() for part in ('weight', 'bias'))
            )
            for name, position in zip([*_NAMES, 'fc6', 'fc7'], positions)
        }
    # torch.load reports damaged files, and files of other kinds, by many kinds of exceptions.
    except Exception as error:
        raise _not_a_reduced_vgg(path, f'it cannot be read: {type(error).__name__}') from error
    if len(positions) != len(_NAMES) + 2:
        raise _not_a_reduced_vgg(path, f'it has {len(positions)} layers instead of {len(_NAMES) + 2}')
    return layers


def _not_a_reduced_vgg(path: Path, reason: str) -> InputError:
    return InputError(f'{path} is not the reduced VGG-16 of SSD ({reason}); delete it and get it again.')
