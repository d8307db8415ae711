"""VOC's colour map."""

from __future__ import annotations

import numpy as np


def voc_palette() -> np.ndarray:
    """The colour of every label, by the bit rule of VOC's development kit.

    For j = 0..7, the bits 0, 1, 2 of the label go to bit 7 - j of red, green and blue, then the label is shifted right
    by 3. Void (255) becomes (224, 224, 192).

    Returns:
        Colours, shape (256, 3), uint8: row by row, the palette of a PNG.
    """
    labels = np.arange(256, dtype=np.uint16)
    colours = np.zeros((256, 3), np.uint8)
    for j in range(8):
        for channel in range(3):
            colours[:, channel] |= ((labels >> (3 * j + channel) & 1) << (7 - j)).astype(np.uint8)
    return colours
