"""Data: VOC with checks of its files, and transforms."""

from .checked_voc import CheckedVOCDataset
from .transforms import ClampSize, LoadVOCAnnotations, LoadVOCImage, ShrinkLabels

__all__ = ['CheckedVOCDataset', 'ClampSize', 'LoadVOCAnnotations', 'LoadVOCImage', 'ShrinkLabels']
