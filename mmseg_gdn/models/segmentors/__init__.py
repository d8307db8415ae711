"""Segmentors: mmseg's own with the authors' way of deciding."""

from .caffe_encoder_decoder import CaffeEncoderDecoder

__all__ = ['CaffeEncoderDecoder']
