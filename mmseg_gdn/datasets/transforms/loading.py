"""mmseg's loading transforms, with pixels as they are stored and errors that name the file."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile
from mmengine import fileio
from mmengine.logging import print_log
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS

from mmseg_gdn.evaluation.voc_palette import NUM_CLASSES, VOID, misleading_colours
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.damage import complaints, is_about_padding, is_cut_off
from mmseg_gdn.utils.ids import hint_at_column
from mmseg_gdn.utils.images import orientation
from mmseg_gdn.utils.masks import Mask, read_mask
from mmseg_gdn.utils.regular import require_no_pipe

_CHECK_VOC = 'check the whole data set with tools/dataset_converters/check_voc.py'
_AS_STORED = {'color': 'color_ignore_orientation', 'grayscale': 'grayscale_ignore_orientation'}


@TRANSFORMS.register_module()
class LoadCheckedImage(LoadImageFromFile):
    """``LoadImageFromFile`` that never turns images, notices damage, and whose errors name the file.

    OpenCV turns and mirrors an image as its EXIF data asks for, but no program does so with a mask, and an archive for
    the VOC server needs the size that the file has. So images of data sets are read as they are stored, as by VOC's
    development kit; the first one that asks to be turned causes a warning.

    An image that is cut off is an error. One about whose data libjpeg complains may still look right, so it causes a
    warning, once; VOC has none of them.
    """

    remedy = 'check the data set'
    refuses_complaints = False
    color_type: str
    _has_warned = False
    _complained_about: set[str] = set()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.imdecode_backend in ('cv2', 'pillow'):
            self.color_type = _AS_STORED.get(self.color_type, self.color_type)

    def transform(self, results: dict) -> dict | None:
        """Load the image at ``results['img_path']``.

        Raises:
            InputError: If the file is missing, not an image or damaged.
        """
        path = results['img_path']
        require_no_pipe(path)
        try:
            content = self._content(path)
            with complaints() as found:
                image = mmcv.imfrombytes(content, flag=self.color_type, backend=self.imdecode_backend)
            if is_about_padding(found, content):
                found.clear()
            if is_cut_off(content):
                raise InputError('its end is missing')
            if image is None:
                raise ValueError('no decoder accepts it')
            if found and self.refuses_complaints:
                raise InputError(found[0])
        # OpenCV and Pillow report broken files by many kinds of exceptions.
        except Exception as error:
            if self.ignore_empty:
                return None
            raise _loading_error('image', path, error, self.remedy) from error
        self._warn(path, content, found)
        if self.to_float32:
            image = image.astype(np.float32)
        results.update(img=image, img_shape=image.shape[:2], ori_shape=image.shape[:2])
        return results

    def _content(self, path: str) -> bytes:
        if self.file_client_args is not None:
            return fileio.FileClient.infer_client(self.file_client_args, path).get(path)
        return fileio.get(path, backend_args=self.backend_args)

    def _warn(self, path: str, content: bytes, found: list[str]) -> None:
        if found and path not in self._complained_about:
            self._complained_about.add(path)
            print_log(
                f'The image {path} is damaged ({found[0]}), and used as it is decoded; look at it, and {self.remedy}.',
                'current',
                logging.WARNING,
            )
        if LoadCheckedImage._has_warned:
            return
        turn = orientation(io.BytesIO(content))
        if turn > 1:
            LoadCheckedImage._has_warned = True
            print_log(
                f'{path} asks viewers to turn it (EXIF orientation {turn}), but the images of data '
                'sets are read as they are stored, because masks are. If its mask was drawn on the turned image, '
                'store the image turned and without this tag.',
                'current',
                logging.WARNING,
            )


@TRANSFORMS.register_module()
class LoadCheckedAnnotations(LoadAnnotations):
    """``LoadAnnotations`` that reads masks of 1 to 16 bits by their values, and compares their size with the image's.

    Errors name the file. Masks must be files that Pillow reads, as with the stock transform's default.
    """

    remedy = 'check the data set'

    def transform(self, results: dict) -> dict:
        """Load the mask at ``results['seg_map_path']``.

        Raises:
            InputError: If the file is missing, is not a mask, holds values above 255, or has another size than the
                image that was loaded before.
        """
        path = results['seg_map_path']
        require_no_pipe(path)
        try:
            mask = read_mask(path, fileio.get(path, backend_args=self.backend_args))
        except InputError as error:
            raise InputError(f'{str(error).rstrip(".")}, and {self.remedy}.') from error
        # Storage backends report what they cannot get by many kinds of exceptions.
        except Exception as error:
            raise _loading_error('mask', path, error, self.remedy) from error
        self._require_labels(path, mask)
        _require_size_of_image(path, mask.labels, results)
        results['gt_seg_map'] = self._in_trained_classes(mask.labels, results)
        results['seg_fields'].append('gt_seg_map')
        return results

    def _require_labels(self, path: str, mask: Mask) -> None:
        unknown = [value for value in mask.values if not 0 <= value <= VOID]
        if unknown:
            raise InputError(
                f'The mask {path} holds the values {_some(unknown)}, but labels are 0..{VOID}; correct '
                f'the mask, and {self.remedy}.'
            )

    def _in_trained_classes(self, labels: np.ndarray, results: dict) -> np.ndarray:
        """The labels in the numbering of training: without class 0, or with the classes of the config's metainfo."""
        is_reduced = results['reduce_zero_label']
        if self.reduce_zero_label not in (None, is_reduced):
            raise InputError(
                f'reduce_zero_label is {self.reduce_zero_label} in the transform LoadAnnotations, but '
                f'{is_reduced} in the data set; remove it from the transform.'
            )
        if not is_reduced and not results.get('label_map'):
            return labels.astype(np.uint8)
        trained = np.arange(256)
        if is_reduced:
            trained = np.where((trained == 0) | (trained == VOID), VOID, trained - 1)
        reduced = trained.copy()
        for old, new in (results.get('label_map') or {}).items():
            trained[reduced == old] = new
        return trained.astype(np.uint8)[labels]


@TRANSFORMS.register_module()
class LoadVOCImage(LoadCheckedImage):
    """:class:`LoadCheckedImage` whose errors name the checker of VOC folders, and that refuses all damage."""

    remedy = _CHECK_VOC
    refuses_complaints = True


@TRANSFORMS.register_module()
class LoadVOCAnnotations(LoadCheckedAnnotations):
    """:class:`LoadCheckedAnnotations` for VOC: labels are 0..20 and 255 for void, and no colour may contradict them."""

    remedy = _CHECK_VOC

    def _require_labels(self, path: str, mask: Mask) -> None:
        unknown = [value for value in mask.values if not 0 <= value < NUM_CLASSES and value != VOID]
        if unknown:
            raise InputError(
                f'The mask {path} holds the values {_some(unknown)}, but VOC has the classes '
                f'0..{NUM_CLASSES - 1} and {VOID} for void; correct the mask and {self.remedy}.'
            )
        for index, label in misleading_colours(mask):
            raise InputError(
                f"The mask {path} has the colour of VOC's label {label} for the value {index}, as "
                "programs make it that number colours anew; save class indices with VOC's palette, and "
                f'{self.remedy}.'
            )


def _require_size_of_image(path: str, labels: np.ndarray, results: dict) -> None:
    size = results.get('ori_shape')
    if size is None or labels.shape == tuple(size[:2]):
        return
    image = str(results.get('img_path'))
    is_turned = labels.shape == tuple(size[1::-1]) and orientation(image) > 4
    reason = (
        f', which asks viewers to turn it (EXIF orientation {orientation(image)}) but is read as it is stored; '
        'store the image turned and without this tag'
        if is_turned
        else '; make them equal, pixel by pixel'
    )
    raise InputError(
        f'The mask {path} is {_in_words(labels.shape)} px, but its image {image} is {_in_words(size)} px{reason}.'
    )


def _in_words(shape: tuple[int, ...]) -> str:
    return f'{shape[1]}x{shape[0]}'


def _some(values: list[int]) -> str:
    return ', '.join(map(str, values[:5]))


def _loading_error(kind: str, path: str, error: Exception, remedy: str) -> InputError:
    if '://' not in str(path) and not Path(path).exists():
        return InputError(
            f'There is no {kind} {path}, although the list of the data set names it; add the file or '
            f'correct the list{hint_at_column(Path(path).stem)}, and {remedy}.'
        )
    reason = ' '.join(str(error).split())
    if isinstance(error, InputError):
        return InputError(f'The {kind} {path} is damaged ({reason}); replace it with a fresh copy and {remedy}.')
    return InputError(
        f'The {kind} {path} cannot be read ({type(error).__name__}: {reason}); replace it with a fresh '
        f'copy and {remedy}.'
    )
