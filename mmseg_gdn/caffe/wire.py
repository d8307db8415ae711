"""As much of protobuf's wire format as it takes to find large fields in a file without reading them into messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FEW, _MANY = 16, 1 << 20  # tags that are looked at together


class WireError(ValueError):
    """The bytes are not a protobuf message."""


class Budget:
    """How many fields may still be read from a file; a file of many tiny ones would take hours.

    Args:
        fields: Their number.
    """

    def __init__(self, fields: int) -> None:
        self.fields = self.left = fields

    def take(self) -> None:
        """Count a field.

        Raises:
            WireError: If it is one too many.
        """
        self.left -= 1
        if self.left < 0:
            raise WireError(f'more than {self.fields} fields')


class Field(NamedTuple):
    """One field of a message, or several of equal number and size, one right after the other.

    Attributes:
        number: Its number.
        kind: Its wire type.
        start: Where its tag begins.
        value: Where its value begins, after tag and length.
        end: Where the next field begins.
        fields: How many fields these are; 1 unless values have a fixed size.
    """

    number: int
    kind: int
    start: int
    value: int
    end: int
    fields: int = 1


def fields(data: memoryview, begin: int, end: int, budget: Budget | None = None) -> Iterator[Field]:
    """Find the fields of the message in ``data[begin:end]``.

    Args:
        data: Bytes of a file.
        begin: Where the message begins.
        end: Where it ends.
        budget: How many fields may be read; any number without it.

    Yields:
        Its fields, none of which reaches beyond its end.

    Raises:
        WireError: If the bytes are not a message, or a truncated one, or if the budget is used up.
    """
    position = begin
    while position < end:
        start, count = position, 1
        if budget is not None:
            budget.take()
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
            if position <= end and value == start + 1:
                count = _equal_fields(data, start, position - start, end)
                position = start + count * (position - start)
        else:
            raise WireError(f'wire type {kind} at byte {start}')
        if number == 0:
            raise WireError(f'field number 0 at byte {start}')
        if position > end:
            raise WireError(f'a field at byte {start} reaches {position - end} bytes beyond its end')
        yield Field(number, kind, start, value, position, count)


def _equal_fields(data: memoryview, start: int, size: int, end: int) -> int:
    """How many fields of ``size`` bytes with the same tag of one byte follow each other."""
    tag, count, more = bytes(data[start : start + 1]), 1, _FEW
    while True:
        more = min(more, (end - start) // size - count)
        tags = data[start + count * size : start + (count + more) * size : size].tobytes()
        equal = len(tags) - len(tags.lstrip(tag))
        count += equal
        if equal < more or not more:
            return count
        more = min(2 * more, _MANY)


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
