"""Reading the weights of a ``.caffemodel``, of today's format and of the older one with ``layers`` (V1)."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from mmengine.utils import ProgressBar

from mmseg_gdn.utils import InputError

from . import schema
from .wire import BYTES, Field, WireError, fields

_MEGABYTE = 2**20
_SHOW_PROGRESS_FROM = 50 * _MEGABYTE
_HOW_TO = 'give a binary .caffemodel file, whole'


@dataclass(frozen=True)
class CaffeLayer:
    """A layer with weights.

    Attributes:
        name: Its name in the net.
        type: Caffe's type, such as 'Convolution'.
        blobs: Its arrays, float32, in Caffe's order (weights, bias).
    """

    name: str
    type: str
    blobs: tuple[np.ndarray, ...]


def read_caffemodel(path: str | Path) -> dict[str, CaffeLayer]:
    """Read all layers that have weights.

    The file is mapped, not read: memory holds the arrays and, as far as the system likes, pages of the file.

    Args:
        path: The file.

    Returns:
        Layers by name, in the order of the file.

    Raises:
        InputError: If the file is missing, empty, cut off, no Caffe model, or holds weights that are not finite or
            do not fill their shapes.
    """
    path = Path(path)
    try:
        with path.open('rb') as file:
            size = path.stat().st_size
            if size == 0:
                raise InputError(f'{path} is empty; {_HOW_TO}.')
            if file.read(8) == b'\x89HDF\r\n\x1a\n':
                raise InputError(f'{path} is an HDF5 model, which Caffe writes as .caffemodel.h5; '
                                 'snapshot it anew with snapshot_format: BINARYPROTO, or load and save it in pycaffe.')
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as data:
                return _read_net(path, data)
    except OSError as error:
        raise InputError(f'{path} cannot be read ({error.strerror}); name an existing .caffemodel file.') from error


def _read_net(path: Path, data: memoryview) -> dict[str, CaffeLayer]:
    layers: dict[str, CaffeLayer] = {}
    known = 0
    try:
        for field in _with_progress(fields(data, 0, len(data)), len(data)):
            if field.kind != BYTES or field.number not in (schema.NET_LAYERS, schema.NET_V1_LAYERS):
                continue
            known += 1
            layer = _read_layer(path, data, field)
            if not layer.blobs:
                continue
            if layer.name in layers:
                raise InputError(f'{path} holds weights for two layers named {layer.name}; {_HOW_TO}.')
            layers[layer.name] = layer
    except (WireError, DecodeError) as error:
        raise InputError(f'{path} is no Caffe model or was cut off ({error}); {_HOW_TO}.') from error
    if not known:
        raise InputError(f'{path} is no Caffe model: it holds no layer; {_HOW_TO}.')
    if not layers:
        raise InputError(f'{path} describes a net but holds no weights; give the trained model, not its definition.')
    return layers


def _with_progress(found: Iterator[Field], size: int) -> Iterator[Field]:
    """Show on standard error how much of a large file has been read."""
    if size < _SHOW_PROGRESS_FROM:
        yield from found
        return
    bar = ProgressBar(size // _MEGABYTE, file=sys.stderr)
    done = 0
    for field in found:
        yield field
        if field.end // _MEGABYTE > done:
            bar.update(field.end // _MEGABYTE - done)
            done = field.end // _MEGABYTE
    print(file=sys.stderr)


def _read_layer(path: Path, data: memoryview, field: Field) -> CaffeLayer:
    is_v1 = field.number == schema.NET_V1_LAYERS
    blob_number = schema.V1_LAYER_BLOBS if is_v1 else schema.LAYER_BLOBS
    header, blobs = bytearray(), []
    for part in fields(data, field.value, field.end):
        if part.number == blob_number and part.kind == BYTES:
            blobs.append(part)
        else:
            header += data[part.start:part.end]
    if is_v1:
        layer = schema.V1LayerParameter.FromString(bytes(header))
        kind = schema.V1_TYPES.get(layer.type, f'V1 type {layer.type}')
    else:
        layer = schema.LayerParameter.FromString(bytes(header))
        kind = layer.type
    arrays = tuple(_read_blob(f'{path}: blob {index} of layer {layer.name}', data, blob)
                   for index, blob in enumerate(blobs))
    return CaffeLayer(layer.name, kind, arrays)


def _read_blob(where: str, data: memoryview, field: Field) -> np.ndarray:
    """One array; its packed values never pass through a message, which would double them."""
    header, packed = bytearray(), []
    for part in fields(data, field.value, field.end):
        if part.number == schema.BLOB_DATA and part.kind == BYTES:
            packed.append(data[part.value:part.end])
        elif part.number != schema.BLOB_DIFF:
            header += data[part.start:part.end]
    blob = schema.BlobProto.FromString(bytes(header))
    shape = tuple(blob.shape.dim) if blob.HasField('shape') else (blob.num, blob.channels, blob.height, blob.width)
    values = _values(where, blob, packed)
    if any(side < 0 for side in shape) or prod(shape) != values.size:
        raise InputError(f'{where} has {values.size} values for the shape {shape}; {_HOW_TO}.')
    if not np.isfinite(values).all():
        raise InputError(f'{where} holds values that are not finite; train the model anew or give an earlier snapshot.')
    return values.reshape(shape)


def _values(where: str, blob: schema.BlobProto, packed: list[memoryview]) -> np.ndarray:
    if any(len(part) % 4 for part in packed):
        raise InputError(f'{where} ends within a number; {_HOW_TO}.')
    parts = [np.frombuffer(part, '<f4') for part in packed]
    parts += [np.asarray(numbers, np.float32) for numbers in (blob.data, blob.double_data) if len(numbers)]
    # A copy in any case: the mapped file is closed soon, and its numbers lie at odd addresses.
    return np.concatenate(parts).astype(np.float32, copy=False) if parts else np.empty(0, np.float32)
