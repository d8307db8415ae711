"""Data transforms: loading with clear errors, and Caffe's sizes."""

from .loading import LoadVOCAnnotations, LoadVOCImage
from .sizes import ClampSize, ShrinkLabels

__all__ = ['ClampSize', 'LoadVOCAnnotations', 'LoadVOCImage', 'ShrinkLabels']
