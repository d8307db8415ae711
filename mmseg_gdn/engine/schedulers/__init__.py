"""Schedulers: the one of Caffe's learning-rate policies that mmengine lacks."""

from .caffe_inv_lr import CaffeInvLR

__all__ = ['CaffeInvLR']
