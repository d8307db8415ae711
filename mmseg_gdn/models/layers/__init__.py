"""Layers: the learnable pair of matrices."""

from .global_interp import GlobalInterp

__all__ = ['GlobalInterp']
