"""Caffe's learning-rate policy "inv"."""

from __future__ import annotations

from typing import Any

from mmengine.optim import _ParamScheduler
from mmseg.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class CaffeInvLR(_ParamScheduler):
    """Learning rate ``base_lr * (1 + gamma * t) ** -power`` at step t, counted from ``begin`` (SGDSolver, "inv").

    Args:
        optimizer: Optimizer or optimizer wrapper.
        gamma: ``gamma``.
        power: ``power``.
        by_epoch: Whether t counts epochs; Caffe counts iterations.
        **kwargs: ``begin``, ``end``, ``last_step`` and ``verbose`` of every mmengine scheduler.
    """

    def __init__(self, optimizer: Any, gamma: float, power: float, by_epoch: bool = False, **kwargs) -> None:
        self.gamma = gamma
        self.power = power
        super().__init__(optimizer, 'lr', by_epoch=by_epoch, **kwargs)

    def _get_value(self) -> list[float]:
        factor = (1 + self.gamma * self.last_step)**-self.power
        return [base_lr * factor for base_lr in self.base_values]
