"""A picture that compares bilinear upsampling with global interpolation, and shows what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import SubFigure

from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.models.layers.interp_kernels import bilinear_kernel
from mmseg_gdn.visualization.figures import new_figure, save_figure, show_matrix, show_picture


def draw_report(
    path: str | Path,
    scenes: Sequence[Sequence[np.ndarray]],
    titles: Sequence[str],
    kernel_h: torch.Tensor,
    kernel_w: torch.Tensor,
    caption: str = '',
) -> None:
    """Draw the comparison.

    Args:
        path: PNG to write.
        scenes: For each row, an image (H, W, 3), the true labels (H, W) and each model's labels (H, W).
        titles: Titles of these columns.
        kernel_h: Learned matrix of the rows, shape (H, h).
        kernel_w: Learned matrix of the columns, shape (W, w).
        caption: Line below the picture.

    Raises:
        InputError: If the file cannot be written.
    """
    columns = len(titles)
    figure = new_figure(3 * columns, 2.5 * len(scenes) + 3.4)
    pictures, matrices = figure.subfigures(2, 1, height_ratios=(2.5 * len(scenes), 3.4))
    _draw_scenes(pictures, scenes, titles)
    _draw_matrices(matrices, kernel_h.detach().cpu(), kernel_w.detach().cpu())
    if caption:
        figure.supxlabel(caption, fontsize=10)
    save_figure(figure, path)


def _draw_scenes(figure: SubFigure, scenes: Sequence[Sequence[np.ndarray]], titles: Sequence[str]) -> None:
    axes = figure.subplots(len(scenes), len(titles), squeeze=False)
    for row, scene in zip(axes, scenes):
        for axis, picture in zip(row, scene):
            show_picture(axis, picture if picture.ndim == 3 else voc_palette()[picture])
    for axis, title in zip(axes[0], titles):
        axis.set_title(title, fontsize=13)


def _draw_matrices(figure: SubFigure, kernel_h: torch.Tensor, kernel_w: torch.Tensor) -> None:
    """Learned matrices beside those of bilinear interpolation, on the same colour scale."""
    bilinear = bilinear_kernel(*kernel_h.shape)
    panels = {
        'bilinear': bilinear,
        'learned $K_h$ (rows)': kernel_h,
        'learned $K_w$ (columns)': kernel_w,
        '$K_h$ - bilinear': kernel_h - bilinear,
        '$K_w$ - bilinear': kernel_w - bilinear_kernel(*kernel_w.shape),
    }
    limit = max(float(panel.abs().max()) for panel in panels.values())
    axes = figure.subplots(1, len(panels))
    for axis, (title, panel) in zip(axes, panels.items()):
        picture = show_matrix(axis, panel.numpy(), limit, title)
    axes[0].set_ylabel('full-size pixel')
    figure.colorbar(picture, ax=axes, shrink=0.9)
