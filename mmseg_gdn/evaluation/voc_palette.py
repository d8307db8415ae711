"""VOC's colour map."""

from __future__ import annotations

from functools import cache

import numpy as np

from mmseg_gdn.utils.masks import Mask

NUM_CLASSES, VOID = 21, 255


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


def misleading_colours(mask: Mask) -> list[tuple[int, int]]:
    """Values of a mask that have the colour of another of VOC's labels.

    Programs that reduce or sort colours number them anew: the mask looks the same and means other classes. Palettes of
    one's own are no contradiction.

    Args:
        mask: The mask.

    Returns:
        Values, and the labels that their colours mean.
    """
    if mask.palette is None:
        return []
    used = [value for value in mask.values if value < len(mask.palette)]
    colours = [tuple(mask.palette[value].tolist()) for value in used]
    # A palette that was left unfinished has one colour for many values; it says nothing.
    meant = [
        (value, _labels_by_colour().get(colour)) for value, colour in zip(used, colours) if colours.count(colour) == 1
    ]
    return [(value, label) for value, label in meant if label not in (None, value)]


@cache
def _labels_by_colour() -> dict[tuple[int, ...], int]:
    labels = [*range(NUM_CLASSES), VOID]
    return {tuple(colour): label for label, colour in zip(labels, voc_palette()[labels].tolist())}
