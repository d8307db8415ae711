"""Sizes of images and labels as in the Caffe recipes."""

from __future__ import annotations

from typing import Literal

from mmcv.transforms import BaseTransform, Resize
from mmseg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ClampSize(BaseTransform):
    """Shrink an image to at most ``max_size`` px per side, each side independently.

    This is how the authors' inference treats images (nearest neighbour, aspect ratio not kept). Images that fit, such
    as all of VOC's at 500 px, are not changed.

    Args:
        max_size: Longest side allowed, in pixels.
        interpolation: mmcv's name of the interpolation for the image; masks always use nearest neighbour.
    """

    def __init__(self, max_size: int = 500, interpolation: Literal['nearest', 'bilinear'] = 'nearest') -> None:
        self.max_size = max_size
        self.interpolation = interpolation

    def transform(self, results: dict) -> dict:
        """Resize the image and the masks in ``results``, if a side is too long."""
        height, width = results['img'].shape[:2]
        if max(height, width) <= self.max_size:
            return results
        scale = (min(width, self.max_size), min(height, self.max_size))
        return Resize(scale=scale, keep_ratio=False, interpolation=self.interpolation)(results)


@TRANSFORMS.register_module()
class ShrinkLabels(BaseTransform):
    """Keep every ``factor``-th label of each axis, for a loss at the size of the coarse scores.

    DeepLab's first version trains this way: at 321 px its labels are exactly ``label[::8, ::8]`` (41x41).

    Args:
        factor: Distance between kept labels, in pixels.
    """

    def __init__(self, factor: int = 8) -> None:
        self.factor = factor

    def transform(self, results: dict) -> dict:
        """Subsample every mask in ``results``."""
        for key in results.get('seg_fields', []):
            results[key] = results[key][:: self.factor, :: self.factor].copy()
        return results
