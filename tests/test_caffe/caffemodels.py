"""Makes small ``.caffemodel`` files byte by byte, so that the reader is not tested by its own schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

Blobs = Sequence[np.ndarray]
V1_TYPES = {'Convolution': 4, 'InnerProduct': 14, 'Deconvolution': 39}


def varint(number: int) -> bytes:
    """A whole number; a negative one as the ten bytes of its 64-bit two's complement."""
    number &= 2**64 - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def number_field(number: int, value: int) -> bytes:
    """A field with a whole number."""
    return varint(number << 3) + varint(value)


def bytes_field(number: int, value: bytes | str) -> bytes:
    """A field with a message, a text or packed numbers."""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def shape(*sides: int, packed: bool = True) -> bytes:
    """The field ``shape`` of a blob."""
    if packed:
        return bytes_field(7, bytes_field(1, b''.join(map(varint, sides))))
    return bytes_field(7, b''.join(number_field(1, side) for side in sides))


def legacy_shape(*sides: int) -> bytes:
    """The fields ``num``, ``channels``, ``height`` and ``width`` of an old blob: ones go before its own sides."""
    padded = (1,) * (4 - len(sides)) + sides
    return b''.join(number_field(index, side) for index, side in enumerate(padded, start=1))


def floats(values: np.ndarray | Sequence[float], packed: bool = True, number: int = 5, dtype: str = '<f4') -> bytes:
    """The field ``data`` of a blob (``diff`` is number 6, ``double_data`` number 8 in doubles)."""
    values = np.asarray(values, dtype).reshape(-1)
    if packed:
        return bytes_field(number, values.tobytes())
    tag = varint(number << 3 | (5 if values.itemsize == 4 else 1))
    return b''.join(tag + value.tobytes() for value in values)


def blob(values: np.ndarray) -> bytes:
    """A blob as today's Caffe writes it."""
    return shape(*values.shape) + floats(values)


def layer(name: bytes | str, kind: str = 'Convolution', *blobs: bytes) -> bytes:
    """A layer of the new format, with fields beside weights as Caffe writes them."""
    parameters = bytes_field(106, number_field(1, 4) + number_field(5, 3))
    return bytes_field(
        100,
        b''.join(
            [
                bytes_field(1, name),
                bytes_field(2, kind),
                bytes_field(3, 'data'),
                *(bytes_field(7, blob) for blob in blobs),
                parameters,
            ]
        ),
    )


def v1_layer(name: bytes | str, kind: str = 'Convolution', *blobs: bytes) -> bytes:
    """A layer of the old format."""
    return bytes_field(
        2,
        b''.join(
            [
                bytes_field(2, 'data'),
                bytes_field(4, name),
                number_field(5, V1_TYPES[kind]),
                *(bytes_field(6, blob) for blob in blobs),
            ]
        ),
    )


def net(*layers: bytes) -> bytes:
    """A whole file."""
    return bytes_field(1, 'net') + b''.join(layers)


def write(path: Path, layers: Mapping[str, tuple[str, Blobs]]) -> Path:
    """Write a model of the new format: layers by name, each a type and its blobs."""
    path.write_bytes(net(*(layer(name, kind, *map(blob, blobs)) for name, (kind, blobs) in layers.items())))
    return path


def write_v1(path: Path, layers: Mapping[str, tuple[str, Blobs]]) -> Path:
    """Write a model of the old format, with shapes of four sides."""
    path.write_bytes(
        net(
            *(
                v1_layer(name, kind, *(legacy_shape(*b.shape) + floats(b) for b in blobs))
                for name, (kind, blobs) in layers.items()
            )
        )
    )
    return path


def golden_layers(arrays: Mapping[str, np.ndarray], run: str) -> dict[str, tuple[str, Blobs]]:
    """The layers of a golden net, from the arrays of its file: those of the trunk and the GDN of one run."""
    names = dict.fromkeys(key.split('/')[1] for key in arrays if key.startswith('param/'))
    layers = {
        name: (
            'InnerProduct' if name == 'cls_fc' else 'Convolution',
            [arrays[f'param/{name}/{index}'] for index in (0, 1)],
        )
        for name in names
    }
    if 'bilinear_kernel_64' in arrays:
        classes = len(arrays['param/score_fr/1'])
        kernel = np.zeros((classes, classes, 64, 64), np.float32)
        kernel[np.arange(classes), np.arange(classes)] = arrays['bilinear_kernel_64']
        layers['upscore'] = 'Deconvolution', [kernel]
    if f'{run}/param/gdn/0' in arrays:
        layers['gdn'] = 'Python', [arrays[f'{run}/param/gdn/{index}'] for index in (0, 1)]
    return layers


def vgg(
    widths: Sequence[int] = (2, 2, 3, 3, 4), fc: int = 5, map_side: int = 7, seed: int = 0
) -> dict[str, tuple[str, Blobs]]:
    """A VGG-16 as it is trained on ImageNet: fc6, fc7 and fc8 (1000 classes) are fully connected."""
    generator = np.random.default_rng(seed)

    def make(*sides: int) -> np.ndarray:
        return generator.normal(size=sides).astype(np.float32)

    layers, channels = {}, 3
    for stage, (width, count) in enumerate(zip(widths, (2, 2, 3, 3, 3)), start=1):
        for number in range(1, count + 1):
            layers[f'conv{stage}_{number}'] = 'Convolution', [make(width, channels, 3, 3), make(width)]
            channels = width
    for name, inputs, outputs in (('fc6', channels * map_side**2, fc), ('fc7', fc, fc), ('fc8', fc, 1000)):
        layers[name] = 'InnerProduct', [make(outputs, inputs), make(outputs)]
    return layers
