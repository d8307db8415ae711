"""Random numbers that depend on where a training is, and not on what it has drawn before."""

from __future__ import annotations

import random

import numpy as np
import torch

IMAGES, MODEL, ORDER = 0, 1, 2
"""Streams of random numbers: of loading and augmenting a batch, of the step that trains on it, of a pass's order."""


def seed_all(*key: int) -> None:
    """Seed Python, NumPy and PyTorch on all devices, as far as the process uses them.

    Args:
        key: Whole numbers, 0 or more, such as the seed of the training, the process, the iteration and the stream.
            Other keys give other random numbers.
    """
    state = np.random.SeedSequence(key).generate_state(3, np.uint64)
    random.seed(int(state[0]))
    np.random.seed(state[1:2].view(np.uint32))
    torch.manual_seed(int(state[2] >> np.uint64(1)))
