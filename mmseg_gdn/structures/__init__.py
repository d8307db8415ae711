"""Data structures that mmseg lacks."""

from .deferred_pixel_data import DeferredPixelData

__all__ = ['DeferredPixelData']
