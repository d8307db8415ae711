"""The few messages of Caffe's protobuf format that hold weights, with the field numbers of its public definition."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from mmseg_gdn.utils import require_extra

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

_PACKAGE = 'mmseg_gdn.caffe'
# Numbers that protobuf's own definition gives to types and labels of fields.
_INT64, _INT32, _MESSAGE, _BYTES = 3, 5, 11, 12
_ONE, _MANY = 1, 3

_MESSAGES = {
    'BlobShape': (('dim', 1, _INT64, _MANY),),
    'BlobProto': (
        ('num', 1, _INT32, _ONE),
        ('channels', 2, _INT32, _ONE),
        ('height', 3, _INT32, _ONE),
        ('width', 4, _INT32, _ONE),
        ('shape', 7, 'BlobShape', _ONE),
    ),
    # Strings in Caffe, which files may hold in any encoding.
    'LayerParameter': (('name', 1, _BYTES, _ONE), ('type', 2, _BYTES, _ONE)),
    # In Caffe the type is an enumeration, which can be read as an integer.
    'V1LayerParameter': (('name', 4, _BYTES, _ONE), ('type', 5, _INT32, _ONE)),
}

# Fields that are never parsed as a whole, because they are large.
NET_LAYERS, NET_V1_LAYERS = 100, 2
LAYER_BLOBS, V1_LAYER_BLOBS = 7, 6
BLOB_DATA, BLOB_DOUBLE_DATA = 5, 8
V1_TYPES = {4: 'Convolution', 14: 'InnerProduct', 39: 'Deconvolution'}


@cache
def message_class(name: str) -> type[Message]:
    """The class of a message, in a separate pool, so that it does not clash with that of an installed Caffe.

    Raises:
        InputError: If protobuf is not installed, which nothing else in this package needs.
    """
    require_extra('caffe')
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f'{_PACKAGE}.{name}'))


@cache
def _pool() -> DescriptorPool:
    from google.protobuf import descriptor_pb2, descriptor_pool

    file = descriptor_pb2.FileDescriptorProto(name='mmseg_gdn_caffe.proto', package=_PACKAGE, syntax='proto2')
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind, label in fields:
            field = message.field.add(name=field_name, number=number, label=label)
            if isinstance(kind, str):
                field.type, field.type_name = _MESSAGE, f'.{_PACKAGE}.{kind}'
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
