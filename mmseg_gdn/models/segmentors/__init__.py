"""Segmentors: mmseg's own with the authors' way of deciding."""

from .caffe_encoder_decoder import CaffeEncoderDecoder
from .global_interp_encoder_decoder import GlobalInterpEncoderDecoder, skip_full_size_scores

__all__ = ['CaffeEncoderDecoder', 'GlobalInterpEncoderDecoder', 'skip_full_size_scores']
