"""What is said, and when, if the weights of a training are NaN or infinite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.model import is_model_wrapper

from mmseg_gdn.utils import InputError

from .finite import non_finite
from .newest_checkpoint import what_can_be_resumed
from .progress import greatest

CAUSE = (
    'Usually the learning rate is too high: lower optim_wrapper.optimizer.lr, or limit the gradients by '
    'optim_wrapper.clip_grad.max_norm=1.'
)


def require_finite(runner: Any, folder: str) -> None:
    """Make sure that the weights of a training can be saved; with several processes, all have to make this call.

    Args:
        runner: The runner of the training.
        folder: Where it writes its checkpoints.

    Raises:
        InputError: If a weight is NaN or infinite.
    """
    model = runner.model
    while is_model_wrapper(model):
        model = model.module
    found = non_finite(dict(model.named_parameters()))
    if greatest(len(found)):
        raise InputError(
            f'Training has stopped at iteration {runner.iter + 1}, because its weights are NaN or '
            f'infinite ({", ".join(found[:3]) or "in another process"}). {CAUSE} '
            f'{what_can_be_resumed(Path(folder))}'
        )
