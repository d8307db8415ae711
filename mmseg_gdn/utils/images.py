"""Photographs of any kind as the arrays that mmcv would load."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from .damage import complaint_about
from .errors import InputError
from .regular import require_no_pipe

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.gif', '.jp2', '.ppm', '.pgm')
# Not all that Pillow knows: for some formats it starts other programs.
_FORMATS = ('JPEG', 'PNG', 'BMP', 'TIFF', 'WEBP', 'GIF', 'JPEG2000', 'PPM')
_ORIENTATION_TAG = 0x0112
_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(path: str | Path) -> np.ndarray:
    """Load an image the way a viewer shows it.

    The orientation in the EXIF data is applied. Transparency is composited onto white. Of 16-bit values the higher byte
    is kept, as OpenCV does, so the full range becomes 0..255. Of several frames or pages the first is taken. Colour
    profiles are ignored. Ordinary JPEG and PNG files give the pixels that mmcv's ``imread`` gives.

    Args:
        path: A file in one of the formats of ``IMAGE_SUFFIXES``; its content tells which.

    Returns:
        Pixels in BGR order, shape (H, W, 3), uint8.

    Raises:
        InputError: If the file is missing, is damaged, is not an image, has more pixels than Pillow allows, or has
            values of an unknown range.
    """
    require_no_pipe(path)
    try:
        content = Path(path).read_bytes()
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            upright = _upright(image, _in_rgb(image, path))
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f'There is no image {path}.') from error
    except UnidentifiedImageError as error:
        raise InputError(f'{path} is not an image in a known format ({", ".join(_FORMATS)}).') from error
    # Pillow reports damaged files by many kinds of exceptions.
    except Exception as error:
        reason = ' '.join(str(error).split()).rstrip('.') or type(error).__name__
        raise InputError(f'{path} cannot be read as an image ({reason}).') from error
    complaint = complaint_about(content)
    if complaint:
        raise InputError(
            f'{path} is damaged ({complaint}); replace it with a fresh copy, or, if it looks right, open '
            'it and save it anew.'
        )
    return np.ascontiguousarray(np.asarray(upright)[..., ::-1])


def _in_rgb(image: Image.Image, path: str | Path) -> Image.Image:
    if image.mode == 'F':
        raise InputError(f'{path} has floating-point values, whose range is not known; save it with 8 or 16 bits.')
    if image.mode.startswith('I'):
        return Image.fromarray(_higher_bytes(image, path)).convert('RGB')
    if 'A' in image.getbands() or 'transparency' in image.info:
        layer = image.convert('RGBA')
        white = Image.new('RGBA', layer.size, 'white')
        return Image.alpha_composite(white, layer).convert('RGB')
    return image.convert('RGB')


def _higher_bytes(image: Image.Image, path: str | Path) -> np.ndarray:
    # Pillow before version 11 gives 16-bit PNGs as 32-bit integers.
    values = np.asarray(image)
    if values.size and not 0 <= values.min() <= values.max() < 2**16:
        raise InputError(f'{path} has 32-bit values, whose range is not known; save it with 8 or 16 bits.')
    return (values >> 8).astype(np.uint8)


def orientation(file: str | Path | BinaryIO) -> int:
    """How the EXIF data of an image asks viewers to turn it.

    Args:
        file: The file, by its path or open.

    Returns:
        2 to 8 for one of EXIF's ways of turning and mirroring; 1 for none, also where the file cannot be read.
    """
    try:
        with Image.open(file, formats=_FORMATS) as image:
            return _orientation(image)
    # Whoever loads the image reports what is wrong with it.
    except Exception:
        return 1


def _upright(image: Image.Image, pixels: Image.Image) -> Image.Image:
    """The pixels, turned as the EXIF data of the file says."""
    turn = _TO_UPRIGHT.get(_orientation(image))
    return pixels if turn is None else pixels.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        tag = image.getexif().get(_ORIENTATION_TAG)
    # Damaged EXIF data is no reason to refuse a picture that is intact.
    except Exception:
        return 1
    return tag if tag in _TO_UPRIGHT else 1
