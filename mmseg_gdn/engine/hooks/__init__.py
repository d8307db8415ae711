"""Hooks: checking checkpoints, and starting from Caffe's weights."""

from .caffe_weights_hook import CaffeWeightsHook
from .checkpoint_check_hook import CheckpointCheckHook

__all__ = ['CaffeWeightsHook', 'CheckpointCheckHook']
