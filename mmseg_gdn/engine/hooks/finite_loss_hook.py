"""Stop a training whose loss is NaN or infinite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_gdn.engine.divergence import CAUSE
from mmseg_gdn.engine.newest_checkpoint import what_can_be_resumed
from mmseg_gdn.engine.progress import greatest
from mmseg_gdn.utils import InputError


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Ends training at the first loss that is NaN or infinite, before a checkpoint is saved.

    Losses are the outputs of a step with 'loss' in their names. mmengine reads them after every step in any case, so
    this costs no time on a GPU either.
    """

    # Before checkpoints are saved.
    priority = 'HIGH'

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Check the losses.

        Args:
            runner: The runner of the training.
            batch_idx: Index of the batch.
            data_batch: The batch.
            outputs: Results of the step.

        Raises:
            InputError: If a loss of any process is NaN or infinite.
        """
        losses = {name: torch.as_tensor(value).detach() for name, value in (outputs or {}).items() if 'loss' in name}
        bad = {name: float(value) for name, value in losses.items() if not value.isfinite()}
        if not greatest(len(bad)):
            return
        if bad:
            told = ', '.join(f'{name} is {value}' for name, value in bad.items()) + _on_images(data_batch)
        else:
            told = 'a loss of another process is NaN or infinite'
        raise InputError(
            f'Training has stopped at iteration {runner.iter + 1}: {told}. {CAUSE} '
            f'{what_can_be_resumed(Path(runner.work_dir))}'
        )


def _on_images(data_batch: Any) -> str:
    samples = data_batch.get('data_samples', []) if isinstance(data_batch, dict) else []
    paths = [str(sample.img_path) for sample in samples if hasattr(sample, 'img_path')]
    return f', on {", ".join(paths)}' if paths else ''
