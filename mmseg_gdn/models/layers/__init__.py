"""Layers: learned global interpolation."""

from .global_interp import GlobalInterp

__all__ = ['GlobalInterp']
