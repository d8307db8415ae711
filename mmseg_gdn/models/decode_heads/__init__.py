"""Decode heads: any stock head with global interpolation, the multi-label head, and Caffe's fully connected head."""

from .base_heads import find_base_head
from .caffe_fc_head import CaffeFCHead
from .global_interp_head import GlobalInterpHead
from .multi_label_head import MultiLabelHead

__all__ = ['CaffeFCHead', 'GlobalInterpHead', 'MultiLabelHead', 'find_base_head']
