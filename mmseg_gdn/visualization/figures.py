"""Parts of figures: files, colours that colour-blind people can tell apart, pictures and matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from mmseg_gdn.utils import atomic_write

# Okabe and Ito, "Color Universal Design", 2008; the order in which curves take them.
COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')


def new_figure(width: float, height: float) -> Figure:
    """A figure whose parts do not overlap.

    Args:
        width: Width in inches, of 100 pixels each.
        height: Height in inches.

    Returns:
        The figure, which needs no window and no global state.
    """
    return Figure(figsize=(width, height), dpi=100, layout='constrained')


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG.

    Args:
        figure: The figure.
        path: The file.

    Raises:
        InputError: If the file cannot be written.
    """
    with atomic_write(path) as partial:
        figure.savefig(partial, format='png')


def show_picture(axes: Axes, picture: np.ndarray) -> None:
    """Draw a picture without a frame.

    Args:
        axes: Where to draw.
        picture: RGB pixels, shape (H, W, 3), uint8.
    """
    axes.imshow(picture, interpolation='nearest')
    axes.set_axis_off()


def show_matrix(axes: Axes, matrix: np.ndarray, limit: float, title: str) -> AxesImage:
    """Draw a matrix of global interpolation, or a difference of such: red is positive, blue negative.

    Args:
        axes: Where to draw.
        matrix: Shape (H, h).
        limit: Absolute value with the darkest colour.
        title: Title of the axes.

    Returns:
        The drawn matrix, for a colour bar.
    """
    axes.set_title(title, fontsize=11)
    axes.set_xlabel('coarse cell')
    return axes.imshow(matrix, aspect='auto', cmap='RdBu_r', vmin=-limit, vmax=limit, interpolation='nearest')
