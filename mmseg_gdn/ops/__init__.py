"""Functions on tensors; mmseg is not needed here."""

from .global_interp import global_interp
from .global_interp_argmax import global_interp_argmax
from .global_interp_cross_entropy import CrossEntropySums, cross_entropy_sums, global_interp_cross_entropy

__all__ = [
    'CrossEntropySums',
    'cross_entropy_sums',
    'global_interp',
    'global_interp_argmax',
    'global_interp_cross_entropy',
]
