"""Segmentors: mmseg's ``EncoderDecoder`` with faster predictions or with the authors' inference, and ensembles."""

from .caffe_encoder_decoder import CaffeEncoderDecoder
from .ensemble import Ensemble
from .global_interp_encoder_decoder import GlobalInterpEncoderDecoder, skip_full_size_scores
from .scored_tta_model import ScoredTTAModel

__all__ = ['CaffeEncoderDecoder', 'Ensemble', 'GlobalInterpEncoderDecoder', 'ScoredTTAModel', 'skip_full_size_scores']
