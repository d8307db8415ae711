"""Segmentors: mmseg's ``EncoderDecoder`` with faster predictions, and with those of the authors' inference."""

from .caffe_encoder_decoder import CaffeEncoderDecoder
from .global_interp_encoder_decoder import GlobalInterpEncoderDecoder, skip_full_size_scores
from .scored_tta_model import ScoredTTAModel

__all__ = ['CaffeEncoderDecoder', 'GlobalInterpEncoderDecoder', 'ScoredTTAModel', 'skip_full_size_scores']
