"""mmseg's loading transforms for VOC, with errors that name the broken file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS

from mmseg_gdn.utils import InputError

NUM_CLASSES, VOID = 21, 255
_CHECK = 'check the whole data set with tools/dataset_converters/check_voc.py'


@TRANSFORMS.register_module()
class LoadVOCImage(LoadImageFromFile):
    """``LoadImageFromFile`` whose errors name the image."""

    def transform(self, results: dict) -> dict:
        """Load the image at ``results['img_path']``.

        Raises:
            InputError: If the file is missing or not an image.
        """
        try:
            return super().transform(results)
        # OpenCV and Pillow report broken files by many kinds of exceptions.
        except Exception as error:
            raise _loading_error('image', results['img_path'], error) from error


@TRANSFORMS.register_module()
class LoadVOCAnnotations(LoadAnnotations):
    """``LoadAnnotations`` that accepts only VOC's labels: 0..20 and 255 for void."""

    def transform(self, results: dict) -> dict:
        """Load the mask at ``results['seg_map_path']``.

        Raises:
            InputError: If the file is missing, is not a mask, or holds other values.
        """
        path = results['seg_map_path']
        try:
            results = super().transform(results)
        except Exception as error:
            raise _loading_error('mask', path, error) from error
        mask = results['gt_seg_map']
        if mask.ndim < 2:
            # mmcv leaves out axes of length 1.
            raise InputError(f'The mask {path} is only one pixel high or wide; take its image off the list.')
        if mask.ndim != 2:
            raise InputError(f'The mask {path} has {mask.shape[-1]} channels instead of class indices; VOC masks are '
                             f'palette PNGs (mode P), so save it as one and {_CHECK}.')
        unknown = mask[(mask >= NUM_CLASSES) & (mask != VOID)]
        if unknown.size:
            values = ', '.join(map(str, np.unique(unknown)[:5]))
            raise InputError(f'The mask {path} holds the values {values}, but VOC has the classes '
                             f'0..{NUM_CLASSES - 1} and {VOID} for void; correct the mask and {_CHECK}.')
        return results


def _loading_error(kind: str, path: str, error: Exception) -> InputError:
    if not Path(path).exists():
        return InputError(f'There is no {kind} {path}, although the list of the data set names it; add the file or '
                          f'correct the list, and {_CHECK}.')
    reason = ' '.join(str(error).split())
    return InputError(f'The {kind} {path} cannot be read ({type(error).__name__}: {reason}); replace it with a fresh '
                      f'copy and {_CHECK}.')
