"""Data: VOC with checks of its files, CamVid, and transforms."""

from .camvid import CamVidDataset
from .checked_voc import CheckedVOCDataset
from .transforms import ClampSize, LoadVOCAnnotations, LoadVOCImage, ShrinkLabels

__all__ = [
    'CamVidDataset', 'CheckedVOCDataset', 'ClampSize', 'LoadVOCAnnotations', 'LoadVOCImage', 'ShrinkLabels'
]
