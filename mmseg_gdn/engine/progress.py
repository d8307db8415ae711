"""Where a training is: between two updates, and before or after a validation."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.optim import OptimWrapperDict


def is_between_updates(optim_wrapper: Any) -> bool:
    """Whether no gradients are being accumulated; they are not part of a checkpoint.

    Args:
        optim_wrapper: The optimizer of a runner.
    """
    wrappers = optim_wrapper.values() if isinstance(optim_wrapper, OptimWrapperDict) else [optim_wrapper]
    return all(wrapper.should_update() for wrapper in wrappers if hasattr(wrapper, 'should_update'))


def is_validation_due(runner: Any) -> bool:
    """Whether mmengine's loops would have validated after what they have done so far.

    Args:
        runner: The runner of a training that has been resumed.
    """
    loop = runner.train_loop
    settings = ('val_begin', 'val_interval', '_decide_current_val_interval')
    if runner.val_loop is None or not all(hasattr(loop, name) for name in settings):
        return False
    loop._decide_current_val_interval()
    done, last = (loop.iter, loop.max_iters) if counts_iterations(loop) else (loop.epoch, loop.max_epochs)
    is_whole = counts_iterations(loop) or loop.iter == loop.epoch * len(loop.dataloader)
    return is_whole and done > 0 and done >= loop.val_begin and (done % loop.val_interval == 0 or done == last)


def counts_iterations(loop: Any) -> bool:
    """Whether a training loop takes its batches one by one from an endless sequence, not pass by pass."""
    return hasattr(loop, 'dataloader_iterator')


def greatest(value: int) -> int:
    """The greatest of the numbers that all processes of a training give; all have to make this call.

    Args:
        value: The number of this process.
    """
    if get_world_size() == 1:
        return value
    number = torch.tensor(value)
    all_reduce(number, 'max')
    return int(number)
