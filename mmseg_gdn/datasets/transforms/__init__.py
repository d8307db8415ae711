"""Data transforms: loading with clear errors, and the sizes of the Caffe recipes."""

from .loading import LoadCheckedAnnotations, LoadCheckedImage, LoadVOCAnnotations, LoadVOCImage
from .sizes import ClampSize, ShrinkLabels

__all__ = [
    'ClampSize',
    'LoadCheckedAnnotations',
    'LoadCheckedImage',
    'LoadVOCAnnotations',
    'LoadVOCImage',
    'ShrinkLabels',
]
