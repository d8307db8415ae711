"""Hooks: checking and saving checkpoints, exact resuming, stopping, watching the matrices, Caffe's weights."""

from .caffe_weights_hook import CaffeWeightsHook
from .checkpoint_check_hook import CheckpointCheckHook
from .durable_checkpoint_hook import DurableCheckpointHook
from .exact_resume_hook import ExactResumeHook
from .finite_loss_hook import FiniteLossHook
from .finite_scores_hook import FiniteScoresHook
from .global_interp_hook import GlobalInterpHook
from .stop_hook import StopHook

__all__ = [
    'CaffeWeightsHook',
    'CheckpointCheckHook',
    'DurableCheckpointHook',
    'ExactResumeHook',
    'FiniteLossHook',
    'FiniteScoresHook',
    'GlobalInterpHook',
    'StopHook',
]
