"""The operators on CUDA devices: Triton kernels for float32, bfloat16 and float16, which are optional."""

from . import switch
from .operators import (
    cross_entropy_losses,
    cross_entropy_losses_backward,
    cross_entropy_sums,
    global_interp,
    global_interp_argmax,
    global_interp_backward,
)
from .switch import INTERPRETED, status

__all__ = ['INTERPRETED', 'cross_entropy_losses', 'cross_entropy_losses_backward', 'cross_entropy_sums',
           'global_interp', 'global_interp_argmax', 'global_interp_backward', 'status', 'switch']
