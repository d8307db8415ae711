"""The operators on the CPU: compiled C for float32 on x86-64, which is optional."""

from .compiled import is_available, status
from .operators import (
    cross_entropy_losses,
    cross_entropy_losses_backward,
    cross_entropy_sums,
    global_interp,
    global_interp_argmax,
    global_interp_backward,
)

__all__ = [
    'cross_entropy_losses',
    'cross_entropy_losses_backward',
    'cross_entropy_sums',
    'global_interp',
    'global_interp_argmax',
    'global_interp_backward',
    'is_available',
    'status',
]
