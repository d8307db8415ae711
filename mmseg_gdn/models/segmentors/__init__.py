"""Segmentors: mmseg's own with the authors' way of deciding."""

from .caffe_encoder_decoder import CaffeEncoderDecoder
from .global_interp_encoder_decoder import GlobalInterpEncoderDecoder

__all__ = ['CaffeEncoderDecoder', 'GlobalInterpEncoderDecoder']
