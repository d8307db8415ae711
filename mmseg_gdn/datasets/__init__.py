"""Data: transforms, VOC's layout and its checks, and the synthetic VOC of the demo."""

from .transforms import ClampSize, LoadVOCAnnotations, LoadVOCImage, ShrinkLabels

__all__ = ['ClampSize', 'LoadVOCAnnotations', 'LoadVOCImage', 'ShrinkLabels']
