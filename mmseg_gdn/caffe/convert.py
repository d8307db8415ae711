"""Putting the weights of Caffe's nets into ``CaffeVGG``, ``CaffeFCHead`` and ``GlobalInterp``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mmseg_gdn.models.decode_heads.caffe_fc_head import bilinear_filter
from mmseg_gdn.utils import InputError

from .reader import CaffeLayer

Layout = Literal['fcn32s', 'largefov']
_CONVS = (2, 2, 3, 3, 3)
_FC6_KERNEL = {'fcn32s': 7, 'largefov': 3}
_NUM_CLASSES = 21


@dataclass
class Conversion:
    """Outcome of a conversion.

    Attributes:
        state: Arrays by the keys of our segmentor.
        used: Per layer used, its name and the key it went to.
        left_over: Per layer not used, its name and the reason.
    """

    state: dict[str, np.ndarray] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    left_over: dict[str, str] = field(default_factory=dict)


def convert(layers: Mapping[str, CaffeLayer], layout: Layout,
            kernels: tuple[np.ndarray, np.ndarray] | None = None) -> Conversion:
    """Sort the layers of a VGG-16, FCN-32s, DeepLab-LargeFOV or GDN model into our segmentor's keys.

    Widths are those of the arrays. A fully connected layer becomes a convolution over the whole map it was made for.
    The 13 convolutions are required; fc6, fc7, the score layer, the multi-label layer and the matrices are taken if
    they are there and fit, and every other layer is reported as left over.

    Args:
        layers: What :func:`read_caffemodel` gives.
        layout: Which net the weights are for.
        kernels: The authors' two matrices, (h, H) and (w, W); they win over those of a layer ``gdn``.

    Returns:
        The conversion.

    Raises:
        InputError: If a convolution is missing, or shapes do not fit each other or the layout.
    """
    result = Conversion()
    remaining = dict(layers)
    channels = _take_convolutions(result, remaining, layout)
    channels = _take_fully_connected(result, remaining, layout, channels)
    if channels is not None:
        _take_classifiers(result, remaining, channels)
    _take_kernels(result, remaining, kernels)
    _check_deconvolution(result, remaining)
    result.left_over.update({name: f'no counterpart for a layer of type {layer.type}'
                             for name, layer in remaining.items()})
    return result


def _take_convolutions(result: Conversion, remaining: dict[str, CaffeLayer], layout: Layout) -> int:
    """Take conv1_1 ... conv5_3; gives the channels of the last one."""
    channels, index = 3, 0
    for stage, count in enumerate(_CONVS, start=1):
        for number in range(1, count + 1):
            name = f'conv{stage}_{number}'
            if name not in remaining:
                raise InputError(f'The model has no layer {name} (it has {", ".join(list(remaining)[:5])}, ...), so it '
                                 f'is no VGG-16; give one that the layout {layout} is made of.')
            weight = _take(result, remaining, name, f'backbone.features.{index}.conv')
            _expect(name, weight.shape, (weight.shape[0], channels, 3, 3))
            channels = weight.shape[0]
            index += 1
        index += 1
    return channels


def _take_fully_connected(result: Conversion, remaining: dict[str, CaffeLayer], layout: Layout,
                          channels: int) -> int | None:
    """Take fc6 and fc7; gives the channels of fc7, or ``None`` if there are none that fit the layout."""
    if not {'fc6', 'fc7'} <= set(remaining):
        return None
    fc6 = _as_convolution('fc6', remaining['fc6'].blobs[0], channels)
    kernel = _FC6_KERNEL[layout]
    if fc6.shape[2:] != (kernel, kernel):
        if any(_is_score(layer) for layer in remaining.values()):
            other = next(name for name in _FC6_KERNEL if name != layout)
            raise InputError(f'fc6 is {fc6.shape[2]}x{fc6.shape[3]}, but the layout {layout} has {kernel}x{kernel}; '
                             f'convert this model with --layout {other}.')
        for name in ('fc6', 'fc7'):
            del remaining[name]
            result.left_over[name] = (f'made for {fc6.shape[2]}x{fc6.shape[3]} maps, where the layout {layout} has '
                                      f'{kernel}x{kernel}')
        return None
    _take(result, remaining, 'fc6', 'decode_head.fc6', fc6)
    fc7 = _as_convolution('fc7', remaining['fc7'].blobs[0], fc6.shape[0])
    _expect('fc7', fc7.shape, (fc7.shape[0], fc6.shape[0], 1, 1))
    _take(result, remaining, 'fc7', 'decode_head.fc7', fc7)
    return fc7.shape[0]


def _take_classifiers(result: Conversion, remaining: dict[str, CaffeLayer], channels: int) -> None:
    """Take the score layer of the pixels and the multi-label layer of the image."""
    for name, layer in list(remaining.items()):
        if _is_score(layer):
            weight = _as_convolution(name, layer.blobs[0], channels)
            _expect(name, weight.shape, (_NUM_CLASSES, channels, 1, 1))
            _take(result, remaining, name, 'decode_head.conv_seg', weight)
        elif _is_classifier(name):
            result.left_over[name] = f'{layer.blobs[0].shape[-2 if layer.blobs[0].ndim == 2 else 0]} classes'
            del remaining[name]
        elif name.startswith('cls') and layer.type == 'InnerProduct':
            weight = layer.blobs[0].reshape(layer.blobs[0].shape[-2:])
            _expect(name, weight.shape, (weight.shape[0], channels))
            _take(result, remaining, name, 'decode_head.multi_label_head.fc', weight)


def _is_classifier(name: str) -> bool:
    return name.startswith(('score', 'fc8'))


def _is_score(layer: CaffeLayer) -> bool:
    return _is_classifier(layer.name) and layer.blobs[0].shape[0] == _NUM_CLASSES


def _take_kernels(result: Conversion, remaining: dict[str, CaffeLayer],
                  kernels: tuple[np.ndarray, np.ndarray] | None) -> None:
    """Take the two matrices, transposed from (h, H) to (H, h)."""
    name = next((name for name, layer in remaining.items()
                 if layer.type == 'Python' and len(layer.blobs) == 2), None)
    if name is not None:
        layer = remaining.pop(name)
        if kernels is None:
            kernels = layer.blobs
            result.used[name] = 'decode_head.interp'
        else:
            result.left_over[name] = 'its matrices are replaced by those given apart'
    for side, kernel in zip('hw', kernels or ()):
        if kernel.ndim != 2 or kernel.shape[0] > kernel.shape[1]:
            raise InputError(f'The matrix of the {"rows" if side == "h" else "columns"} is {kernel.shape}, but '
                             '(coarse, full) is wanted, such as (64, 500); give it as the authors store it.')
        result.state[f'decode_head.interp.kernel_{side}'] = np.ascontiguousarray(kernel.T)


def _check_deconvolution(result: Conversion, remaining: dict[str, CaffeLayer]) -> None:
    """FCN-32s' frozen filter is part of our head; make sure that the model has the same one."""
    for name, layer in list(remaining.items()):
        if layer.type != 'Deconvolution':
            continue
        weight = layer.blobs[0]
        expected = np.zeros_like(weight)
        if weight.shape[0] == weight.shape[1]:
            expected[np.arange(len(weight)), np.arange(len(weight))] = bilinear_filter(weight.shape[-1]).numpy()
        if weight.shape[-1] != 64 or not np.allclose(weight, expected, atol=1e-6):
            raise InputError(f'The deconvolution {name} is not the bilinear 64x64 filter that FCN-32s keeps frozen; '
                             'give a model whose upsampling was not trained.')
        result.used[name] = 'decode_head.upscore (equal to the frozen bilinear filter)'
        del remaining[name]


def _as_convolution(name: str, weight: np.ndarray, channels: int) -> np.ndarray:
    """View the weights (O, I h w) of a fully connected layer as (O, I, h, w); convolutions stay as they are."""
    if weight.ndim == 4 and weight.shape[:2] != (1, 1):
        _expect(name, weight.shape, (weight.shape[0], channels, *weight.shape[2:]))
        return weight
    outputs, inputs = weight.shape[-2:]
    side = math.isqrt(inputs // channels)
    if channels * side * side != inputs:
        raise InputError(f'{name} reads {inputs} values, which are no square maps of the {channels} channels before '
                         'it; give a model whose layers belong together.')
    return weight.reshape(outputs, channels, side, side)


def _take(result: Conversion, remaining: dict[str, CaffeLayer], name: str, key: str,
          weight: np.ndarray | None = None) -> np.ndarray:
    """Move a layer's weights and bias to the state; gives the weights."""
    layer = remaining.pop(name)
    weight = layer.blobs[0] if weight is None else weight
    if len(layer.blobs) != 2 or layer.blobs[1].size != weight.shape[0]:
        raise InputError(f'{name} should have weights and one bias per output, but has the shapes '
                         f'{[blob.shape for blob in layer.blobs]}; give a model whose layers are whole.')
    if f'{key}.weight' in result.state:
        raise InputError(f'{name} is the second layer for {key}; give a model with one of its kind.')
    result.state[f'{key}.weight'] = weight
    result.state[f'{key}.bias'] = layer.blobs[1].reshape(-1)
    result.used[name] = key
    return weight


def _expect(name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if tuple(found) != tuple(expected):
        raise InputError(f'The weights of {name} are {tuple(found)} instead of {tuple(expected)}; '
                         'give a model of this net.')
