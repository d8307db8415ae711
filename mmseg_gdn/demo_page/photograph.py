"""What was dropped on the page, as an image of a size that can be shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.images import read_image


@dataclass(frozen=True)
class Photograph:
    """A photograph to be predicted.

    Attributes:
        path: The file.
        pixels: Its pixels in BGR order, shape (H, W, 3), uint8.
        full_size: Width and height before it was reduced.
    """

    path: Path
    pixels: np.ndarray
    full_size: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]


def read_photograph(path: str, longest_side: int) -> Photograph:
    """Load a file as ``tools/predict.py`` does, and reduce it if it is large.

    Args:
        path: The file.
        longest_side: What width and height are reduced to at most, in pixels.

    Returns:
        The photograph.

    Raises:
        InputError: If the file cannot be read; the message names it without its folder, which the user has not chosen.
    """
    try:
        pixels = read_image(path)
    except InputError as error:
        raise InputError(str(error).replace(path, Path(path).name)) from error
    full_size = pixels.shape[1], pixels.shape[0]
    factor = longest_side / max(full_size)
    if factor < 1:
        size = [max(1, round(factor * side)) for side in full_size]
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    return Photograph(Path(path), pixels, full_size)
