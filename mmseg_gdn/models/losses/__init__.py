"""Losses: the multi-label loss of the paper and Caffe's softmax loss."""

from .caffe_softmax_loss import CaffeSoftmaxLoss
from .multi_label_aux_loss import MultiLabelAuxLoss

__all__ = ['CaffeSoftmaxLoss', 'MultiLabelAuxLoss']
