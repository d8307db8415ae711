"""Golden ``.caffemodel`` files: their weights, and the outputs of the converted model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from mmseg_gdn.caffe import CaffeLayer, convert, read_caffemodel

from .check import Check, relative_error
from .nets import TOLERANCE, Arrays, check_run, is_net, runs

Layers = Mapping[str, CaffeLayer]


def check_model(path: Path, stored: Mapping[str, Arrays]) -> Iterator[Check]:
    """Compare the weights exactly, and the outputs with the tolerance of nets.

    Args:
        path: A ``.caffemodel``.
        stored: Golden files by name, among which those with the weights and outputs of this model may be.

    Yields:
        One comparison per array of weights and per output; a single one if there is nothing to compare with.

    Raises:
        InputError: If the model cannot be read.
    """
    layers = read_caffemodel(path)
    name = counterpart(layers, stored)
    if name is None:
        yield Check(f'{len(layers)} layers read (no file has arrays to compare them with)', 0, 0, 'unreadable layers')
        return
    arrays = stored[name]
    for key, blob in _weights(layers, arrays):
        yield Check(f'{name} {key}', float(not np.array_equal(blob, arrays[key])), 0, 'arrays that differ in a bit')
    if not is_net(arrays):
        yield from _check_chain(layers, arrays)
        return
    layout = 'fcn32s' if layers['fc6'].blobs[0].shape[-1] == 7 else 'largefov'
    state = {key: torch.from_numpy(array) for key, array in convert(layers, layout).state.items()}
    for run in runs(arrays):
        if _belongs(layers, arrays, run):
            for check in check_run(arrays, run, state, parts=('blob',)):
                yield Check(f'converted, {check.name}', check.error, check.tolerance)


def counterpart(layers: Layers, stored: Mapping[str, Arrays]) -> str | None:
    """The golden file with these weights: all its shapes match, and no other file has more equal arrays."""

    def equal_arrays(name: str) -> int:
        return sum(np.array_equal(blob, stored[name][key]) for key, blob in _weights(layers, stored[name]))

    return max((name for name, arrays in stored.items() if _fits(layers, arrays)), key=equal_arrays, default=None)


def _fits(layers: Layers, arrays: Arrays) -> bool:
    wanted = {key for key in arrays if key.startswith('param/')}
    return bool(wanted) and wanted == {key for key, _ in _weights(layers, arrays) if key in wanted}


def _weights(layers: Layers, arrays: Arrays) -> Iterator[tuple[str, np.ndarray]]:
    """The model's arrays that a golden file stores too, with their keys there and in its shapes."""
    prefixes = ['param', *(f'{run}/param' for run in runs(arrays))]
    for layer in layers.values():
        for index, blob in enumerate(layer.blobs):
            for key in (f'{prefix}/{layer.name}/{index}' for prefix in prefixes):
                if key in arrays and arrays[key].squeeze().shape == blob.squeeze().shape:
                    yield key, blob.reshape(arrays[key].shape)


def _belongs(layers: Layers, arrays: Arrays, run: str) -> bool:
    """Whether a run used exactly this model: the same matrices, and no dropout."""
    if any(key.startswith(f'{run}/mask/') for key in arrays):
        return False
    matrices = [key for key in arrays if key.startswith(f'{run}/param/')]
    return {key for key, _ in _weights(layers, arrays) if key.startswith(f'{run}/')} == set(matrices)


@torch.no_grad()
def _check_chain(layers: Layers, arrays: Arrays) -> Iterator[Check]:
    """A plain chain: convolutions with ReLU, a pool of 2 before the first fully connected layer."""
    outputs, x = {}, torch.from_numpy(arrays['data'])
    for layer in layers.values():
        weight, bias = (torch.from_numpy(blob) for blob in layer.blobs)
        if layer.type == 'Convolution':
            x = F.relu(F.conv2d(x, weight, bias.flatten(), padding=weight.shape[-1] // 2))
        else:
            if x.dim() == 4:
                x = outputs['pool1'] = F.max_pool2d(x, 2, ceil_mode=True)
            x = F.linear(x.flatten(1), weight.reshape(weight.shape[-2:]), bias.flatten())
        outputs[layer.name] = x
    for key, expected in arrays.items():
        if key in outputs:
            yield Check(key, relative_error(outputs[key].numpy(), expected), TOLERANCE)
