"""Losses: the multi-label loss of the paper and Caffe's softmax loss."""

from .multi_label_aux_loss import MultiLabelAuxLoss

__all__ = ['MultiLabelAuxLoss']
