"""Pure functions on tensors; nothing of mmseg is needed here."""

from .global_interp import global_interp

__all__ = ['global_interp']
