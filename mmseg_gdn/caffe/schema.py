"""The few messages of Caffe's protobuf format that hold weights, with the field numbers of its public definition."""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = 'mmseg_gdn.caffe'
_Field = descriptor_pb2.FieldDescriptorProto
_INT32, _INT64, _BYTES, _MESSAGE = (_Field.TYPE_INT32, _Field.TYPE_INT64, _Field.TYPE_BYTES, _Field.TYPE_MESSAGE)
_ONE, _MANY = _Field.LABEL_OPTIONAL, _Field.LABEL_REPEATED

_MESSAGES = {
    'BlobShape': (('dim', 1, _INT64, _MANY), ),
    'BlobProto': (
        ('num', 1, _INT32, _ONE),
        ('channels', 2, _INT32, _ONE),
        ('height', 3, _INT32, _ONE),
        ('width', 4, _INT32, _ONE),
        ('shape', 7, 'BlobShape', _ONE),
    ),
    # Caffe's strings, which a file can hold in any encoding.
    'LayerParameter': (('name', 1, _BYTES, _ONE), ('type', 2, _BYTES, _ONE)),
    # Caffe's enumeration of types, which an integer reads as well.
    'V1LayerParameter': (('name', 4, _BYTES, _ONE), ('type', 5, _INT32, _ONE)),
}

# Fields that are never parsed as a whole, because what they hold is large.
NET_LAYERS, NET_V1_LAYERS = 100, 2
LAYER_BLOBS, V1_LAYER_BLOBS = 7, 6
BLOB_DATA, BLOB_DOUBLE_DATA = 5, 8
V1_TYPES = {4: 'Convolution', 14: 'InnerProduct', 39: 'Deconvolution'}


def _build() -> dict[str, type]:
    """Message classes in a pool of their own, so that they never meet those of an installed Caffe."""
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
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f'{_PACKAGE}.{name}'))
            for name in _MESSAGES}


_classes = _build()
BlobProto, LayerParameter, V1LayerParameter = (
    _classes[name] for name in ('BlobProto', 'LayerParameter', 'V1LayerParameter'))
