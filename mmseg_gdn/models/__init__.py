"""Models, in mmseg's own folders; importing registers them in mmseg's registries."""

from .backbones import CaffeVGG
from .decode_heads import CaffeFCHead, GlobalInterpHead, MultiLabelHead
from .layers import GlobalInterp
from .losses import CaffeSoftmaxLoss, MultiLabelAuxLoss
from .segmentors import CaffeEncoderDecoder, Ensemble, GlobalInterpEncoderDecoder

__all__ = [
    'CaffeEncoderDecoder',
    'CaffeFCHead',
    'CaffeSoftmaxLoss',
    'CaffeVGG',
    'Ensemble',
    'GlobalInterp',
    'GlobalInterpEncoderDecoder',
    'GlobalInterpHead',
    'MultiLabelAuxLoss',
    'MultiLabelHead',
]
