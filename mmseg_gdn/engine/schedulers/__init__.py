"""Schedulers: Caffe's learning-rate policy that mmengine lacks."""

from .caffe_inv_lr import CaffeInvLR

__all__ = ['CaffeInvLR']
