"""Reading the weights of a ``.caffemodel`` file, in the current format or the older one with ``layers`` (V1)."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.progress import byte_progress
from mmseg_gdn.utils.regular import other_kind

from . import schema
from .wire import BYTES, FIXED32, FIXED64, Budget, Field, WireError, fields

if TYPE_CHECKING:
    from google.protobuf.message import Message

_HOW_TO = 'give a complete binary .caffemodel file'
_NUMBERS: dict[int, np.dtype] = {schema.BLOB_DATA: np.dtype('<f4'), schema.BLOB_DOUBLE_DATA: np.dtype('<f8')}
_UNPACKED = {schema.BLOB_DATA: FIXED32, schema.BLOB_DOUBLE_DATA: FIXED64}
# Far above what any network has; they bound the time and memory that a file of many tiny parts can claim.
_MOST_HEADER_BYTES, _MOST_LAYERS, _MOST_BLOBS, _MOST_FIELDS = 2**11, 10_000, 64, 200_000
# An array and its layer take some hundred bytes beside their values.
_MOST_SMALL_BLOBS, _BYTES_PER_BLOB = 1000, 200
_MOST_AXES = 32  # Caffe's own limit


@dataclass(frozen=True)
class CaffeLayer:
    """A layer with weights.

    Attributes:
        name: Its name in the network.
        type: Caffe's type, such as 'Convolution'.
        blobs: Its arrays, float32, in Caffe's order (weights, bias).
    """

    name: str
    type: str
    blobs: tuple[np.ndarray, ...]


def read_caffemodel(path: str | Path) -> dict[str, CaffeLayer]:
    """Read all layers that have weights.

    The file is read as a whole, because one that another program shortens would end this process if it were mapped;
    so its size and that of its arrays is the memory it takes.

    Args:
        path: The file.

    Returns:
        Layers by name, in the order of the file.

    Raises:
        InputError: If the file is missing, empty, truncated or not a Caffe model, or if its weights are not finite or
            do not fill their shapes.
    """
    path = Path(path)
    kind = other_kind(path)  # before it is opened, which waits for a pipe
    if kind is not None:
        raise InputError(f'{path} is {kind}, not a file; save the model to disk and name that file.')
    try:
        with path.open('rb') as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f'{path} is not a regular file; save the model to disk and name that file.')
            if status.st_size == 0:
                raise InputError(f'{path} is empty; {_HOW_TO}.')
            if file.read(8) == b'\x89HDF\r\n\x1a\n':
                raise InputError(
                    f'{path} is an HDF5 model, which Caffe writes as .caffemodel.h5; '
                    'save it again with snapshot_format: BINARYPROTO, or load and save it in pycaffe.'
                )
            file.seek(0)
            data = bytearray(status.st_size)
            if file.readinto(data) < status.st_size:
                raise InputError(f'{path} became shorter while it was read; give a file that is complete.')
    except OSError as error:
        raise InputError(f'{path} cannot be read ({error.strerror}); name an existing .caffemodel file.') from error
    except MemoryError as error:
        raise InputError(f'{path} does not fit into memory; {_HOW_TO}.') from error
    return _read_net(path, memoryview(data))


def _read_net(path: Path, data: memoryview) -> dict[str, CaffeLayer]:
    layers: dict[str, CaffeLayer] = {}
    known = blobs = 0
    budget = Budget(_MOST_FIELDS)
    try:
        with byte_progress(len(data)) as show:
            for field in fields(data, 0, len(data), budget):
                show(field.start)
                if field.kind != BYTES or field.number not in (schema.NET_LAYERS, schema.NET_V1_LAYERS):
                    continue
                known += 1
                if known > _MOST_LAYERS:
                    raise WireError(f'more than {_MOST_LAYERS} layers')
                layer = _read_layer(path, data, field, budget)
                blobs += len(layer.blobs)
                if blobs > _MOST_SMALL_BLOBS + len(data) // _BYTES_PER_BLOB:
                    raise WireError(f'more than {blobs - 1} arrays in {len(data)} bytes')
                if layer.name in layers and layer.blobs:
                    raise InputError(f'{path} holds weights for two layers named {printable(layer.name)}; {_HOW_TO}.')
                if layer.blobs:
                    layers[layer.name] = layer
            show(len(data))
    except WireError as error:
        raise InputError(f'{path} is not a Caffe model or was cut off ({error}); {_HOW_TO}.') from error
    if not known:
        raise InputError(f'{path} is not a Caffe model: it has no layers; {_HOW_TO}.')
    if not layers:
        raise InputError(f'{path} describes a network but has no weights; give the trained model, not its definition.')
    return layers


def _read_layer(path: Path, data: memoryview, field: Field, budget: Budget) -> CaffeLayer:
    is_v1 = field.number == schema.NET_V1_LAYERS
    message, blob_number = (
        ('V1LayerParameter', schema.V1_LAYER_BLOBS) if is_v1 else ('LayerParameter', schema.LAYER_BLOBS)
    )
    header, blobs = _Header(message), []
    for part in fields(data, field.value, field.end, budget):
        if part.number == blob_number and part.kind == BYTES:
            blobs.append(part)
            if len(blobs) > _MOST_BLOBS:
                raise WireError(f'a layer with more than {_MOST_BLOBS} blobs at byte {field.start}')
        else:
            header.add(data, part)
    layer = header.parse()
    # Older versions of Caffe wrote names as they got them, in any encoding.
    name = layer.name.decode(errors='backslashreplace')
    kind = (
        schema.V1_TYPES.get(layer.type, f'V1 type {layer.type}')
        if is_v1
        else layer.type.decode(errors='backslashreplace')
    )
    arrays = tuple(
        _read_blob(f'{path}: blob {index} of layer {printable(name)}', data, blob, budget)
        for index, blob in enumerate(blobs)
    )
    return CaffeLayer(name, kind, arrays)


def _read_blob(where: str, data: memoryview, field: Field, budget: Budget) -> np.ndarray:
    """One array; its values are copied straight from the file, because a message would hold them a second time."""
    header, count = _Header('BlobProto'), 0
    for part in fields(data, field.value, field.end, budget):
        if part.number in _NUMBERS:
            count += len(_numbers(where, data, part))
        else:
            header.add(data, part)
    blob = header.parse()
    if len(blob.shape.dim) > _MOST_AXES:
        raise InputError(f'{where} has {len(blob.shape.dim)} axes, but Caffe allows {_MOST_AXES}; {_HOW_TO}.')
    shape = _shape(blob)
    if any(side < 1 for side in shape) or prod(shape) != count:
        raise InputError(f'{where} has {count} values for the shape {shape}; {_HOW_TO}.')
    values = np.empty(count, np.float32)
    filled = 0
    # A double beyond float32 becomes infinite, and all NaN stay NaN; both are refused below.
    with np.errstate(over='ignore', invalid='ignore'):
        for part in fields(data, field.value, field.end):
            if part.number in _NUMBERS:
                numbers = _numbers(where, data, part)
                values[filled : filled + len(numbers)] = numbers
                filled += len(numbers)
    if not np.isfinite(values).all():
        raise InputError(f'{where} holds values that are not finite; train the model again, or give an older snapshot.')
    return values.reshape(shape)


def _shape(blob: Message) -> tuple[int, ...]:
    """The shape; as in Caffe, the four legacy fields take precedence over the new one."""
    legacy = ('num', 'channels', 'height', 'width')
    if any(blob.HasField(side) for side in legacy):
        return tuple(getattr(blob, side) for side in legacy)
    return tuple(blob.shape.dim)


def _numbers(where: str, data: memoryview, part: Field) -> np.ndarray:
    """View of the numbers in a field: many in a packed one, or those of several fields."""
    dtype = _NUMBERS[part.number]
    if part.kind not in (BYTES, _UNPACKED[part.number]):
        raise WireError(f'numbers of wire type {part.kind} at byte {part.start}')
    if part.kind != BYTES:
        size = (part.end - part.start) // part.fields
        return np.ndarray(part.fields, dtype, data, part.value, (size,))
    if (part.end - part.value) % dtype.itemsize:
        raise InputError(f'{where} ends within a number; {_HOW_TO}.')
    return np.frombuffer(data[part.value : part.end], dtype)


class _Header:
    """Collects the fields of a message that its class knows, and skips all others."""

    def __init__(self, message: str) -> None:
        self.message = schema.message_class(message)
        self.data = bytearray()

    def add(self, data: memoryview, part: Field) -> None:
        """Add a field, if it is known."""
        if part.number not in self.message.DESCRIPTOR.fields_by_number:
            return
        if len(self.data) + part.end - part.start > _MOST_HEADER_BYTES:
            raise WireError(f'more than {_MOST_HEADER_BYTES} bytes of names or sizes at byte {part.start}')
        self.data += data[part.start : part.end]

    def parse(self) -> Message:
        """The message.

        Raises:
            WireError: If the bytes are none.
        """
        from google.protobuf.message import DecodeError

        try:
            return self.message.FromString(bytes(self.data))
        except DecodeError as error:
            raise WireError(str(error)) from error


def printable(name: str) -> str:
    """A layer's name for messages: one short line of printable characters, whatever is in the file."""
    shown = name if name.isascii() and name.isprintable() and name else ascii(name)
    return shown if len(shown) <= 60 else f'{shown[:57]}...'
