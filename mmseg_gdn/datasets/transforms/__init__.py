"""Data transforms: loading with clear errors, and the sizes of the Caffe recipes."""

from .loading import LoadVOCAnnotations, LoadVOCImage
from .sizes import ClampSize, ShrinkLabels

__all__ = ['ClampSize', 'LoadVOCAnnotations', 'LoadVOCImage', 'ShrinkLabels']
