"""Masks of class indices, read by their values."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFile

from .errors import InputError
from .regular import require_no_pipe

# Those that keep values; JPEG would change them.
_FORMATS = ('PNG', 'TIFF', 'BMP', 'GIF', 'PPM')
_MODES = ('P', 'L', '1', 'I', 'I;16', 'I;16L', 'I;16B', 'I;16N')
# Pillow spreads grey values of few bits over 0..255: by these factors.
_SPREAD = {'L;2': 85, 'L;4': 17}


class Mask(NamedTuple):
    """A mask as its file has it.

    Attributes:
        labels: Values of the pixels, shape (H, W), integers: indices of the palette if there is one.
        values: Those that occur, in ascending order.
        palette: Colours of the indices, shape (n, 3), uint8; ``None`` for grey masks.
    """

    labels: np.ndarray
    values: list[int]
    palette: np.ndarray | None


def read_mask(path: str | Path, content: bytes | None = None) -> Mask:
    """Read a mask of 1, 2, 4, 8 or 16 bits per pixel.

    Args:
        path: The file.
        content: What is in it, if that has been read already.

    Returns:
        The mask; values are those in the file, never scaled.

    Raises:
        InputError: If the file is no image, is damaged, or has several channels or broken numbers.
        FileNotFoundError: If there is no such file.
    """
    if content is None:
        require_no_pipe(path)
    try:
        with Image.open(path if content is None else io.BytesIO(content), formats=_FORMATS) as image:
            spread = _SPREAD.get(_raw_mode(image), 1)
            image.load()
    except FileNotFoundError:
        raise
    # Pillow reports broken files by many kinds of exceptions.
    except Exception as error:
        raise InputError(
            f'The mask {path} cannot be read ({type(error).__name__}: {_reason(error)}); replace it with a fresh copy.'
        ) from error
    if image.mode == 'F':
        raise InputError(
            f'The mask {path} has floating-point values instead of class indices; save it as a palette '
            'PNG (mode P) or a grey one.'
        )
    if image.mode not in _MODES:
        raise InputError(
            f'The mask {path} of mode {image.mode} has {len(image.getbands())} channels instead of class '
            'indices; save it as a palette PNG (mode P) or a grey one.'
        )
    labels = np.asarray(image)
    if image.mode == '1':
        labels = labels.astype(np.uint8)
    values = _values(image, labels)
    if spread > 1:
        labels, values = labels // spread, [value // spread for value in values]
    palette = image.getpalette('RGB') if image.mode == 'P' else None
    return Mask(labels, values, None if palette is None else np.array(palette, np.uint8).reshape(-1, 3))


def _values(image: Image.Image, labels: np.ndarray) -> list[int]:
    # The histogram is several times faster, but has bytes only.
    if image.mode not in ('P', 'L'):
        return np.unique(labels).tolist()
    return [value for value, count in enumerate(image.histogram()) if count]


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """How the pixels are stored in the file, such as 'L;4'."""
    if not image.tile:
        return image.mode
    arguments = image.tile[0][3]
    return arguments[0] if isinstance(arguments, tuple) and arguments else str(arguments)


def _reason(error: Exception) -> str:
    return ' '.join(str(error).split())[:200]
