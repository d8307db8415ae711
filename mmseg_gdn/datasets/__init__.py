"""Data: VOC and CamVid with checks of their files, checks for any data set of mmseg, and transforms."""

from .camvid import CamVidDataset
from .checked_voc import CheckedVOCDataset
from .named_images import NamedImages
from .transforms import (
    ClampSize,
    LoadCheckedAnnotations,
    LoadCheckedImage,
    LoadVOCAnnotations,
    LoadVOCImage,
    ShrinkLabels,
)

__all__ = [
    'CamVidDataset',
    'CheckedVOCDataset',
    'ClampSize',
    'LoadCheckedAnnotations',
    'LoadCheckedImage',
    'LoadVOCAnnotations',
    'LoadVOCImage',
    'NamedImages',
    'ShrinkLabels',
]
