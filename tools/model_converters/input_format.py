"""Weights that were trained on other inputs than Caffe's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np


def caffe_input(
    weight: np.ndarray, order: Literal['RGB', 'BGR'] = 'BGR', scale: float | Sequence[float] = 1
) -> np.ndarray:
    """The first layer's weights for Caffe's input: BGR pixels of 0..255 minus their mean.

    Args:
        weight: The trained weights (O, 3, h, w), for inputs whose channels are in ``order``.
        order: Order of the channels.
        scale: What pixels of 0..255 minus their mean are multiplied by to get the trained network's input: one number
            or one per channel, in ``order``. Inputs of 0..1 divided by a standard deviation have 1 / (255 std).

    Returns:
        Weights of the same shape, which give the same outputs for Caffe's input.
    """
    factors = np.broadcast_to(np.asarray(scale, weight.dtype), 3)
    scaled = weight * factors[:, None, None]
    return np.ascontiguousarray(scaled[:, ::-1] if order == 'RGB' else scaled)
