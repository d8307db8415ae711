"""How large a checkpoint will be."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def saved_size(runner: Any, with_optimizer: bool) -> int:
    """The bytes that a checkpoint has at least.

    Args:
        runner: The runner of a training.
        with_optimizer: Whether the state of the optimizer is saved. As it may not exist yet, it is estimated from the
            settings of the optimizer: one number for each weight with momentum, two with Adam's.
    """
    size = sum(_bytes(tensor) for tensor in runner.model.state_dict().values() if isinstance(tensor, Tensor))
    optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
    if with_optimizer and optimizer is not None:
        for group in optimizer.param_groups:
            count = 2 if 'betas' in group else int(bool(group.get('momentum')))
            size += count * sum(_bytes(parameter) for parameter in group['params'])
    return size


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
