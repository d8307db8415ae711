"""Caffe's solver as far as mmengine lacks it, and hooks; importing registers them in mmseg's registries."""

from .hooks import (
    CaffeWeightsHook,
    CheckpointCheckHook,
    DurableCheckpointHook,
    ExactResumeHook,
    FiniteLossHook,
    FiniteScoresHook,
    GlobalInterpHook,
    StopHook,
)
from .optimizers import CaffeSGD
from .schedulers import CaffeInvLR

__all__ = [
    'CaffeInvLR',
    'CaffeSGD',
    'CaffeWeightsHook',
    'CheckpointCheckHook',
    'DurableCheckpointHook',
    'ExactResumeHook',
    'FiniteLossHook',
    'FiniteScoresHook',
    'GlobalInterpHook',
    'StopHook',
]
