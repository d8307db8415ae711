"""Hooks: starting from Caffe's weights."""

from .caffe_weights_hook import CaffeWeightsHook

__all__ = ['CaffeWeightsHook']
