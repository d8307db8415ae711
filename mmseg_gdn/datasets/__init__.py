"""Data: transforms, VOC's layout and its checks, and the synthetic VOC of the demo."""

from .checked_voc import CheckedVOCDataset
from .transforms import ClampSize, LoadVOCAnnotations, LoadVOCImage, ShrinkLabels

__all__ = ['CheckedVOCDataset', 'ClampSize', 'LoadVOCAnnotations', 'LoadVOCImage', 'ShrinkLabels']
