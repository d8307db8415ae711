"""Let a resumed training continue exactly as if it had not been interrupted."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class IterationSeedHook(Hook):
    """Seeds PyTorch before every iteration, by the seed of the training, the iteration and the rank.

    A resumed training of mmengine sees the data that it would have seen: the loop reads again, and drops, all batches
    that were trained on. But dropout would draw other numbers, because mmengine's checkpoints have no states of random
    generators. With this hook those of an iteration do not depend on the ones before.

    Two things are still drawn anew after resuming: all augmentations on the OneDL stack, whose loop leaves out the
    batches that were trained on without reading them; and, with ``num_workers=0`` and validation during training, those
    that draw from PyTorch instead of NumPy and ``random``.
    """

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed all devices.

        Args:
            runner: The runner of the training.
            batch_idx: Index of the batch.
            data_batch: The batch.
        """
        sequence = np.random.SeedSequence([runner.seed, runner.iter, get_rank()])
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))
