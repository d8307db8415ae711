"""How large a checkpoint will be."""

from __future__ import annotations

import itertools
from typing import Any

from torch import Tensor


def saved_size(runner: Any, with_optimizer: bool) -> int:
    """Bytes that a checkpoint needs, about; of a model in parts (FSDP), those of the part in this process.

    Args:
        runner: The runner of a training.
        with_optimizer: Whether the state of the optimizer is saved. As it may not exist yet, it is estimated from the
            settings of the optimizer: one number for each weight with momentum, two with Adam's.
    """
    # Not its state_dict, for which all processes would have to be asked if each has a part of the model.
    size = sum(map(_bytes, itertools.chain(runner.model.parameters(), runner.model.buffers())))
    optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
    if with_optimizer and optimizer is not None:
        for group in optimizer.param_groups:
            count = 2 if 'betas' in group else int(bool(group.get('momentum')))
            size += count * sum(_bytes(parameter) for parameter in group['params'])
    return size


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
