"""Finding the fields of protobuf messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_gdn.caffe.wire import BYTES, FIXED32, FIXED64, VARINT, WireError, fields

from .caffemodels import bytes_field, floats, number_field, varint


def found(message, begin=0, end=None):
    return list(fields(memoryview(message), begin, len(message) if end is None else end))


def test_every_kind_of_field():
    parts = [
        number_field(3, 300),
        bytes_field(100, b'abc'),
        floats([1], packed=False),
        floats([1], packed=False, number=8, dtype='<f8'),
    ]
    assert [(part.number, part.kind) for part in found(b''.join(parts))] == [
        (3, VARINT),
        (100, BYTES),
        (5, FIXED32),
        (8, FIXED64),
    ]


def test_values_and_ends():
    message = number_field(3, 300) + bytes_field(100, b'abc')
    number, text = found(message)
    assert (number.start, number.value, number.end) == (0, 1, 3)
    assert (text.start, message[text.value : text.end], text.end) == (3, b'abc', len(message))


def test_a_part_of_the_bytes():
    inner = number_field(1, 7)
    message = b'\xff' * 5 + inner + b'\xff' * 5
    assert [part.number for part in found(message, 5, 5 + len(inner))] == [1]


def test_no_bytes_are_a_message_without_fields():
    assert found(b'') == []


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.binary(max_size=300) | st.integers(-(2**63), 2**64 - 1))))
def test_what_was_written_is_found(wanted):
    message = b''.join(
        (number_field if isinstance(value, int) else bytes_field)(number, value) for number, value in wanted
    )
    parts = found(message)
    assert [part.number for part in parts] == [number for number, _ in wanted]
    assert [message[part.value : part.end] for part in parts] == [
        varint(value) if isinstance(value, int) else value for _, value in wanted
    ]
    assert [part.start for part in parts] == [0, *(part.end for part in parts)][: len(parts)]


@pytest.mark.parametrize(
    ('message', 'reason'),
    [
        (b'\x80', 'cut off at byte 1'),
        (varint(1 << 3), 'cut off at byte 1'),
        (bytes_field(1, b'abc')[:-1], 'reaches 1 bytes beyond'),
        (floats([1], packed=False)[:-1], 'reaches 1 bytes beyond'),
        (varint(1 << 3 | 2) + varint(2**63), f'reaches {2**63} bytes beyond'),
        (varint(1 << 3 | 2) + varint(2**64 - 1), f'reaches {2**64 - 1} bytes beyond'),
        (b'\x80' * 10 + b'\x01', 'more than ten bytes'),
        (varint(1 << 3 | 3), 'wire type 3 at byte 0'),
        (varint(1 << 3 | 7), 'wire type 7 at byte 0'),
        (number_field(0, 1), 'field number 0 at byte 0'),
    ],
)
def test_no_message(message, reason):
    with pytest.raises(WireError, match=reason):
        found(message)


@given(st.binary(max_size=200))
def test_any_bytes_end_within_their_bounds(message):
    try:
        parts = found(message)
    except WireError:
        return
    assert all(0 <= part.start < part.value <= part.end <= len(message) for part in parts)
