"""Hooks: checking checkpoints, exact resuming, watching the matrices, and starting from Caffe's weights."""

from .caffe_weights_hook import CaffeWeightsHook
from .checkpoint_check_hook import CheckpointCheckHook
from .global_interp_hook import GlobalInterpHook
from .iteration_seed_hook import IterationSeedHook

__all__ = ['CaffeWeightsHook', 'CheckpointCheckHook', 'GlobalInterpHook', 'IterationSeedHook']
