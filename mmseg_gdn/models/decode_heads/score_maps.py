"""The coarse score maps among whatever a head's ``forward`` returns."""

from __future__ import annotations

from typing import Any, Callable

import torch
from torch import Tensor


def main_scores(outputs: Any, channels: int) -> Tensor | None:
    """The first score map in a head's outputs.

    Args:
        outputs: What ``forward`` returned: a tensor, or a list or tuple of outputs.
        channels: Number of score channels.

    Returns:
        The first tensor of shape (N, channels, h, w), or ``None``.
    """
    if isinstance(outputs, (list, tuple)):
        maps = (main_scores(output, channels) for output in outputs)
        return next((scores for scores in maps if scores is not None), None)
    is_map = isinstance(outputs, Tensor) and outputs.dim() == 4 and outputs.shape[1] == channels
    return outputs if is_map else None


def map_scores(function: Callable[[Tensor], Tensor], outputs: Any, shape: torch.Size) -> Any:
    """Apply a function to every map of one shape; image-level logits, boundaries and smaller maps stay as they are.

    Args:
        function: Takes and returns a tensor.
        outputs: What ``forward`` returned.
        shape: Shape of the main score map.

    Returns:
        The outputs in the same structure.
    """
    if isinstance(outputs, (list, tuple)):
        return type(outputs)(map_scores(function, output, shape) for output in outputs)
    if isinstance(outputs, Tensor) and outputs.shape == shape:
        return function(outputs)
    return outputs
