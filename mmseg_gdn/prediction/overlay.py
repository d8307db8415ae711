"""The predicted classes over the image, with a legend."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmseg_gdn.visualization import ClassLegend

_STRENGTH = 0.55
_BACKGROUND = 'background'
_HEADING = 'share of pixels'


def class_shares(classes: np.ndarray) -> dict[int, float]:
    """The share of each class that occurs, in percent, the largest first.

    Args:
        classes: Class indices, shape (H, W), uint8.

    Returns:
        Shares by class index; they add up to 100.
    """
    counts = np.bincount(classes.ravel(), minlength=256)
    order = np.argsort(-counts, kind='stable')[: np.count_nonzero(counts)]
    return {int(label): 100 * float(counts[label]) / classes.size for label in order}


def draw_overlay(image: np.ndarray, classes: np.ndarray, legend: ClassLegend) -> Image.Image:
    """Tint an image in the colours of its classes, draw the borders between them, and list them beside it.

    A class called 'background' is not tinted.

    Args:
        image: Pixels in BGR order, shape (H, W, 3), uint8.
        classes: Class indices, shape (H, W), uint8.
        legend: Names and colours of the classes.

    Returns:
        The image with a legend to its right, which makes a low image higher.
    """
    picture = tinted(image, classes, legend)
    list_of_classes = _draw_legend(class_shares(classes), legend, font_size=max(14, picture.height // 28))
    canvas = Image.new(
        'RGB', (picture.width + list_of_classes.width, max(picture.height, list_of_classes.height)), 'white'
    )
    canvas.paste(picture, (0, 0))
    canvas.paste(list_of_classes, (picture.width, 0))
    return canvas


def tinted(image: np.ndarray, classes: np.ndarray, legend: ClassLegend, strength: float = _STRENGTH) -> Image.Image:
    """Tint an image in the colours of its classes, and draw the borders between them.

    A class called 'background' is not tinted.

    Args:
        image: Pixels in BGR order, shape (H, W, 3), uint8.
        classes: Class indices, shape (H, W), uint8.
        legend: Names and colours of the classes.
        strength: Share of the class's colour in the colour of a pixel, from 0 to 1.

    Returns:
        The image, at its size.
    """
    opacity = np.full(256, round(255 * strength), np.uint8)
    opacity[[label for label, name in enumerate(legend.names) if name == _BACKGROUND]] = 0
    picture = Image.composite(
        Image.fromarray(legend.palette[classes]), Image.fromarray(image[..., ::-1]), Image.fromarray(opacity[classes])
    )
    borders = _borders(classes, width=1 + max(classes.shape) // 800)
    picture.paste('white', mask=Image.fromarray(borders))
    return picture


def _borders(classes: np.ndarray, width: int) -> np.ndarray:
    """Pixels beside which, ``width`` pixels to the right or below, there is another class."""
    border = np.zeros(classes.shape, bool)
    border[:, :-width] |= classes[:, :-width] != classes[:, width:]
    border[:-width] |= classes[:-width] != classes[width:]
    return border


def _draw_legend(shares: Mapping[int, float], legend: ClassLegend, font_size: int) -> Image.Image:
    font = _font(font_size)
    rows = [(legend.name(label), percent(share), legend.palette[label]) for label, share in shares.items()]
    gap, line = font_size // 2, font_size * 3 // 2
    names_at = 2 * gap + font_size
    shares_end = max(
        names_at
        + max(_width(font, name) for name, _, _ in rows)
        + 2 * gap
        + max(_width(font, share) for _, share, _ in rows),
        gap + _width(font, _HEADING),
    )
    panel = Image.new('RGB', (shares_end + gap, (len(rows) + 1) * line + gap), 'white')
    draw = ImageDraw.Draw(panel)
    draw.text((shares_end - _width(font, _HEADING), gap), _HEADING, 'dimgray', font)
    for row, (name, share, colour) in enumerate(rows, 1):
        top = gap + row * line
        draw.rectangle((gap, top, gap + font_size, top + font_size), tuple(map(int, colour)), 'dimgray')
        draw.text((names_at, top), name, 'black', font)
        draw.text((shares_end - _width(font, share), top), share, 'black', font)
    return panel


def percent(share: float) -> str:
    """A share as text.

    Args:
        share: The share, from 0 to 100.
    """
    return f'{share:.1f} %' if share >= 0.05 else '< 0.1 %'


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    try:
        return ImageFont.load_default(size)
    # Pillow before 10.1, or without FreeType, has one font of one size.
    except (TypeError, ImportError):
        return ImageFont.load_default()


def _width(font: ImageFont.ImageFont | ImageFont.FreeTypeFont, text: str) -> int:
    return int(np.ceil(font.getlength(text)))
