"""Segmentors: mmseg's own with the authors' way of deciding."""

from .caffe_encoder_decoder import CaffeEncoderDecoder
from .global_interp_encoder_decoder import GlobalInterpEncoderDecoder, skip_full_size_scores
from .seg_logits import reads_only_classes, seg_logits_readers

__all__ = [
    'CaffeEncoderDecoder', 'GlobalInterpEncoderDecoder', 'reads_only_classes', 'seg_logits_readers',
    'skip_full_size_scores'
]
