"""Losses: the multi-label loss of the paper and Caffe's softmax loss."""

from .caffe_softmax_loss import CaffeSoftmaxLoss
from .label_losses import build_label_losses, count_labels, label_losses, share_background, sum_by_name
from .multi_label_aux_loss import MultiLabelAuxLoss

__all__ = [
    'CaffeSoftmaxLoss',
    'MultiLabelAuxLoss',
    'build_label_losses',
    'count_labels',
    'label_losses',
    'share_background',
    'sum_by_name',
]
