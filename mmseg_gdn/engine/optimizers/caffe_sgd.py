"""Stochastic gradient descent as Caffe does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import torch
from mmseg.registry import OPTIMIZERS
from torch.optim import Optimizer


@OPTIMIZERS.register_module()
class CaffeSGD(Optimizer):
    """SGD whose momentum includes the learning rate of each step, as in Caffe's SGDSolver.

    With g the gradient including weight decay::

        v = momentum * v + lr * g
        w = w - v

    ``torch.optim.SGD`` multiplies by lr afterwards (``v = momentum * v + g``, ``w = w - lr * v``). Both are the same
    while lr is constant; when lr drops, Caffe keeps its former speed for a while.

    Args:
        params: Parameters or parameter groups, as for every optimizer in torch.
        lr: Learning rate (``base_lr``, times ``lr_mult`` of the group).
        momentum: ``momentum``.
        weight_decay: ``weight_decay`` (times ``decay_mult`` of the group) with L2 ``regularization_type``.

    Raises:
        ValueError: If a number is negative.
    """

    def __init__(self, params: Any, lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        defaults = dict(lr=lr, momentum=momentum, weight_decay=weight_decay)
        for name, value in defaults.items():
            if value < 0:
                raise ValueError(f'CaffeSGD takes {name} >= 0, but got {value}.')
        super().__init__(params, defaults)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient.

        Args:
            closure: Computes the loss and its gradients.

        Returns:
            The result of ``closure``.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group['params']:
                if param.grad is not None:
                    self._update(param, param.grad, group)
        return loss

    def _update(self, param: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        # Caffe's name. The momentum_buffer of torch.optim.SGD lacks the factor lr, so resuming from it would be wrong.
        if 'history' not in state:
            state['history'] = torch.zeros_like(param)
        decayed = gradient.add(param, alpha=group['weight_decay'])
        state['history'].mul_(group['momentum']).add_(decayed, alpha=group['lr'])
        param.sub_(state['history'])
