"""Caffe's learning-rate policy "inv"."""

from __future__ import annotations

from typing import Any

from mmengine.optim import _ParamScheduler
from mmseg.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class CaffeInvLR(_ParamScheduler):
    """Learning rate ``base_lr * (1 + gamma * t) ** -power`` at step t after ``begin`` (SGDSolver, "inv").

    Like all mmengine schedulers, it multiplies the rate of the previous step, so it combines with others (a warm-up).

    Args:
        optimizer: Optimizer or optimizer wrapper.
        gamma: ``gamma``.
        power: ``power``.
        **kwargs: ``begin``, ``end``, ``by_epoch``... as for every mmengine scheduler. Caffe counts iterations:
            ``by_epoch=False``.
    """

    def __init__(self, optimizer: Any, gamma: float, power: float, **kwargs) -> None:
        self.gamma = gamma
        self.power = power
        super().__init__(optimizer, 'lr', **kwargs)

    def _get_value(self) -> list[float]:
        factor = 1.0
        if self.last_step > 0:
            factor = (1 + self.gamma / (1 + self.gamma * (self.last_step - 1))) ** -self.power
        return [group[self.param_name] * factor for group in self.optimizer.param_groups]
