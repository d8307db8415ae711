"""One comparison of a computed quantity with a stored one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Check:
    """Outcome of a comparison.

    Attributes:
        name: The quantity, by its key in the golden file.
        error: How far off it is, in the unit of ``tolerance``.
        tolerance: The largest error allowed.
        unit: What the error is relative to.
    """

    name: str
    error: float
    tolerance: float
    unit: str = 'of the largest value'

    @property
    def ok(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """Largest absolute difference over the largest absolute expected value.

    Args:
        actual: Computed values.
        expected: Stored values.

    Returns:
        The error; 0 for equal arrays of zeros, infinity for other shapes and values that are not finite.
    """
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    if actual.shape != expected.shape:
        return math.inf
    difference = np.abs(actual - expected).max(initial=0)
    scale = np.abs(expected).max(initial=0)
    if difference == 0:
        return 0.0
    if not math.isfinite(difference) or scale == 0:
        return math.inf
    return float(difference / scale)
