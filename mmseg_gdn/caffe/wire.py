"""As much of protobuf's wire format as it takes to find large fields in a file without reading them into messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are not a protobuf message."""


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: Its number.
        kind: Its wire type.
        start: Where its tag begins.
        value: Where its value begins, after tag and length.
        end: Where the next field begins.
    """

    number: int
    kind: int
    start: int
    value: int
    end: int


def fields(data: memoryview, begin: int, end: int) -> Iterator[Field]:
    """Find the fields of the message in ``data[begin:end]``.

    Args:
        data: Bytes of a file.
        begin: Where the message begins.
        end: Where it ends.

    Yields:
        Its fields, none of which reaches beyond its end.

    Raises:
        WireError: If the bytes are not a message, or a truncated one.
    """
    position = begin
    while position < end:
        start = position
        tag, position = _varint(data, position, end)
        number, kind = tag >> 3, tag & 7
        value = position
        if kind == VARINT:
            _, position = _varint(data, position, end)
        elif kind == BYTES:
            length, value = _varint(data, position, end)
            position = value + length
        elif kind in (FIXED64, FIXED32):
            position += 8 if kind == FIXED64 else 4
        else:
            raise WireError(f'wire type {kind} at byte {start}')
        if number == 0:
            raise WireError(f'field number 0 at byte {start}')
        if position > end:
            raise WireError(f'a field at byte {start} reaches {position - end} bytes beyond its end')
        yield Field(number, kind, start, value, position)


def _varint(data: memoryview, position: int, end: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise WireError(f'cut off at byte {position}')
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
    raise WireError(f'a number of more than ten bytes at byte {position}')
