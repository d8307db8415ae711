"""How sure is a difference between two variants, given the images it was measured on?"""

from __future__ import annotations

import numpy as np
from counts import mean_iou_of

_RESAMPLES = 2000


def difference_interval(
    ours: np.ndarray, theirs: np.ndarray, block: int = 1, confidence: float = 0.95
) -> tuple[float, float]:
    """Paired bootstrap over images of a difference in mean IoU, averaged over seeds.

    Images are drawn with replacement, the same ones for both variants and all seeds. The interval says how much the
    choice of validation images matters, not how much the training seed does.

    Args:
        ours: Intersections and unions of the first variant, shape (seeds, images, classes, 2).
        theirs: Those of the second variant, for the same seeds and images.
        block: How many neighbouring images are drawn together, the last ones with the first (circular block bootstrap):
            frames of a video are no independent images.
        confidence: Share of the resamples that the interval covers.

    Returns:
        The interval's ends, in points of mean IoU.
    """
    draws = _draws(ours.shape[1], block)
    differences = [_resampled(one, draws) - _resampled(other, draws) for one, other in zip(ours, theirs)]
    low, high = np.quantile(np.mean(differences, axis=0), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _draws(count: int, block: int) -> np.ndarray:
    """How often each image is in each resample, shape (resamples, images)."""
    blocks = max(1, round(count / block))
    starts = np.random.default_rng(0).multinomial(blocks, np.full(count, 1 / count), size=_RESAMPLES)
    return sum(np.roll(starts, shift, axis=1) for shift in range(block))


def _resampled(counts: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Mean IoU of each draw of images."""
    sums = draws @ counts.reshape(len(counts), -1)
    return mean_iou_of(sums.reshape(len(draws), *counts.shape[1:]))
