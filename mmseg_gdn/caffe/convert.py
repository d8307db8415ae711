"""Converting the weights of Caffe's networks for ``CaffeVGG``, ``CaffeFCHead`` and ``GlobalInterp``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mmseg_gdn.models.decode_heads.caffe_fc_head import bilinear_filter
from mmseg_gdn.utils import InputError

from .reader import CaffeLayer, printable

Layout = Literal['fcn32s', 'largefov']
_CONVS = (2, 2, 3, 3, 3)
_FC6_KERNEL = {'fcn32s': (7, 7), 'largefov': (3, 3)}
_NUM_CLASSES = 21


@dataclass
class Conversion:
    """Outcome of a conversion.

    Attributes:
        state: Arrays by the keys of our segmentor.
        used: For each layer used, the key it was converted to.
        left_over: For each layer not used, the reason.
    """

    state: dict[str, np.ndarray] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    left_over: dict[str, str] = field(default_factory=dict)


def convert(
    layers: Mapping[str, CaffeLayer], layout: Layout, kernels: tuple[np.ndarray, np.ndarray] | None = None
) -> Conversion:
    """Map the layers of a VGG-16, FCN-32s, DeepLab-LargeFOV or GDN model to the keys of our segmentor.

    The widths are those of the arrays. A fully connected layer becomes a convolution over the whole map it was made
    for. The 13 convolutions are required; fc6, fc7, the score layer, the multi-label layer and the matrices are used if
    they exist and fit, and every other layer is reported as left over.

    Args:
        layers: What :func:`read_caffemodel` returns.
        layout: Which network the weights are for.
        kernels: The authors' two matrices, (h, H) and (w, W); they take precedence over those of a layer ``gdn``.

    Returns:
        The conversion.

    Raises:
        InputError: If a convolution is missing, or if shapes do not fit each other or the layout.
    """
    result = Conversion()
    remaining = dict(layers)
    channels = _take_convolutions(result, remaining, layout)
    features = _take_fully_connected(result, remaining, layout, channels)
    if features is not None:
        _take_classifiers(result, remaining, features)
    _take_kernels(result, remaining, kernels)
    _check_deconvolution(result, remaining)
    result.left_over.update(
        {name: f'no counterpart for a layer of type {layer.type}' for name, layer in remaining.items()}
    )
    return result


def _take_convolutions(result: Conversion, remaining: dict[str, CaffeLayer], layout: Layout) -> int:
    """Take conv1_1 ... conv5_3; returns the channels of the last one."""
    channels, index = 3, 0
    for stage, count in enumerate(_CONVS, start=1):
        for number in range(1, count + 1):
            name = f'conv{stage}_{number}'
            if name not in remaining:
                others = ', '.join(map(printable, list(remaining)[:5]))
                raise InputError(
                    f'The model has no layer {name} (it has {others or "no other"}, ...), so it '
                    f'is not a VGG-16; give a model for the layout {layout}.'
                )
            weight = _as_convolution(remaining[name], channels)
            _expect(name, weight.shape, (len(weight), channels, 3, 3))
            _take(result, remaining, name, f'backbone.features.{index}.conv', weight)
            channels = len(weight)
            index += 1
        index += 1
    return channels


def _take_fully_connected(
    result: Conversion, remaining: dict[str, CaffeLayer], layout: Layout, channels: int
) -> int | None:
    """Take fc6 and fc7; returns the channels of fc7, or ``None`` if there are none that fit the layout."""
    found = {'fc6', 'fc7'} & set(remaining)
    if len(found) < 2:
        result.left_over.update(dict.fromkeys(found, 'fc6 and fc7 belong together, and the other one is missing'))
        for name in found:
            del remaining[name]
        return None
    fc6 = _as_convolution(remaining['fc6'], channels)
    sides = fc6.shape[2:]
    if sides != _FC6_KERNEL[layout]:
        if any(_is_score(layer) for layer in remaining.values()):
            raise InputError(_wrong_layout(sides, layout))
        for name in ('fc6', 'fc7'):
            del remaining[name]
            result.left_over[name] = (
                f'made for {_text(sides)} maps, but the layout {layout} has {_text(_FC6_KERNEL[layout])}'
            )
        return None
    _take(result, remaining, 'fc6', 'decode_head.fc6', fc6)
    fc7 = _as_convolution(remaining['fc7'], len(fc6))
    _expect('fc7', fc7.shape, (len(fc7), len(fc6), 1, 1))
    _take(result, remaining, 'fc7', 'decode_head.fc7', fc7)
    return len(fc7)


def _wrong_layout(sides: tuple[int, ...], layout: Layout) -> str:
    fitting = [name for name, kernel in _FC6_KERNEL.items() if kernel == sides]
    remedy = f'convert this model with --layout {fitting[0]}' if fitting else 'give a model of one of the two layouts'
    return f'fc6 is {_text(sides)}, but the layout {layout} has {_text(_FC6_KERNEL[layout])}; {remedy}.'


def _text(sides: tuple[int, ...]) -> str:
    return 'x'.join(map(str, sides))


def _take_classifiers(result: Conversion, remaining: dict[str, CaffeLayer], channels: int) -> None:
    """Take the score layer of the pixels and the multi-label layer of the image."""
    for name, layer in list(remaining.items()):
        if _is_score(layer):
            weight = _as_convolution(layer, channels)
            _expect(name, weight.shape, (_NUM_CLASSES, channels, 1, 1))
            _take(result, remaining, name, 'decode_head.conv_seg', weight)
        elif _is_classifier(layer):
            result.left_over[name] = f'{_outputs(layer)} classes instead of {_NUM_CLASSES}'
            del remaining[name]
        elif name.startswith('cls') and layer.type == 'InnerProduct':
            weight = _matrix(layer)
            _expect(name, weight.shape, (len(weight), channels))
            _take(result, remaining, name, 'decode_head.multi_label_head.fc', weight)


def _is_classifier(layer: CaffeLayer) -> bool:
    return layer.name.startswith(('score', 'fc8')) and layer.type in ('Convolution', 'InnerProduct')


def _is_score(layer: CaffeLayer) -> bool:
    return _is_classifier(layer) and _outputs(layer) == _NUM_CLASSES


def _outputs(layer: CaffeLayer) -> int:
    return len(_matrix(layer) if layer.type == 'InnerProduct' else np.atleast_1d(layer.blobs[0]))


def _take_kernels(
    result: Conversion, remaining: dict[str, CaffeLayer], kernels: tuple[np.ndarray, np.ndarray] | None
) -> None:
    """Take the two matrices, transposed from (h, H) to (H, h)."""
    name = next((name for name, layer in remaining.items() if layer.type == 'Python' and len(layer.blobs) == 2), None)
    if name is not None:
        layer = remaining.pop(name)
        if kernels is None:
            kernels = layer.blobs[0], layer.blobs[1]
            result.used[name] = 'decode_head.interp'
        else:
            result.left_over[name] = 'its matrices are replaced by the ones given separately'
    for side, kernel in zip('hw', kernels or ()):
        if kernel.ndim != 2 or not 0 < kernel.shape[0] <= kernel.shape[1]:
            raise InputError(
                f'The matrix of the {"rows" if side == "h" else "columns"} has the shape {kernel.shape}, '
                'but (coarse, full) is needed, such as (64, 500); give it as the authors store it.'
            )
        result.state[f'decode_head.interp.kernel_{side}'] = np.ascontiguousarray(kernel.T)


def _check_deconvolution(result: Conversion, remaining: dict[str, CaffeLayer]) -> None:
    """Make sure that a deconvolution is the frozen filter of FCN-32s, which our head contains."""
    for name, layer in list(remaining.items()):
        if layer.type != 'Deconvolution':
            continue
        if len(layer.blobs) != 1 or not _is_frozen_filter(layer.blobs[0]):
            raise InputError(
                f'The deconvolution {printable(name)} is not the bilinear 64x64 filter that FCN-32s keeps '
                'frozen; give a model whose upsampling was not trained.'
            )
        result.used[name] = 'decode_head.upscore (equal to the frozen bilinear filter)'
        del remaining[name]


def _is_frozen_filter(weight: np.ndarray) -> bool:
    """Whether each channel is upsampled by the bilinear filter, and from itself alone."""
    if weight.ndim != 4 or weight.shape[0] != weight.shape[1] or weight.shape[2:] != (64, 64):
        return False
    expected = np.zeros_like(weight)
    expected[np.arange(len(weight)), np.arange(len(weight))] = bilinear_filter(64).numpy()
    return np.allclose(weight, expected, rtol=0, atol=1e-6)


def _as_convolution(layer: CaffeLayer, channels: int) -> np.ndarray:
    """Weights (O, I, h, w): a convolution's as they are, those (O, I h w) of a fully connected layer reshaped."""
    if layer.type != 'InnerProduct':
        weight = layer.blobs[0]
        if weight.ndim != 4 or weight.shape[1] != channels:
            raise InputError(
                f'The weights of {printable(layer.name)} have the shape {weight.shape}, but (outputs, '
                f'{channels}, height, width) is needed; give a model of this network.'
            )
        return weight
    outputs, inputs = _matrix(layer).shape
    side = math.isqrt(inputs // channels)
    if channels * side * side != inputs:
        raise InputError(
            f'{printable(layer.name)} reads {inputs} values, which do not form square maps of the '
            f'{channels} channels before it; give a model whose layers fit each other.'
        )
    return layer.blobs[0].reshape(outputs, channels, side, side)


def _matrix(layer: CaffeLayer) -> np.ndarray:
    """Weights (O, I) of a fully connected layer, which old models store as (1, 1, O, I)."""
    weight = layer.blobs[0]
    if weight.ndim == 4 and weight.shape[:2] == (1, 1):
        weight = weight[0, 0]
    if weight.ndim != 2:
        raise InputError(
            f'The weights of {printable(layer.name)} have the shape {weight.shape}, but (outputs, inputs) '
            'is needed; give a model with complete layers.'
        )
    return weight


def _take(result: Conversion, remaining: dict[str, CaffeLayer], name: str, key: str, weight: np.ndarray) -> None:
    """Move a layer's weights, in the shape given, and its bias to the state."""
    layer = remaining.pop(name)
    if len(layer.blobs) != 2 or layer.blobs[1].size != weight.shape[0]:
        raise InputError(
            f'{printable(name)} should have weights and one bias per output, but has the shapes '
            f'{[blob.shape for blob in layer.blobs]}; give a model with complete layers.'
        )
    if f'{key}.weight' in result.state:
        raise InputError(f'{printable(name)} is a second layer for {key}; give a model with only one of them.')
    result.state[f'{key}.weight'] = weight
    result.state[f'{key}.bias'] = layer.blobs[1].reshape(-1)
    result.used[name] = key


def _expect(name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if tuple(found) != tuple(expected):
        raise InputError(
            f'The weights of {printable(name)} have the shape {tuple(found)} instead of '
            f'{tuple(expected)}; give a model of this network.'
        )
