"""The picture of two models' best and worst images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch

from compared_images import Comparison, who_is_right
from mmseg_gdn.utils.images import read_image
from mmseg_gdn.visualization import ClassLegend
from mmseg_gdn.visualization.figures import new_figure, show_picture
from paired_files import read_mask

_WIDTH = 2.9  # of a column, in inches
# In the order of the cases in compared_images.
_CASES = (
    ('both right', '#D5D5D5'),
    ('only {a} right', '#E69F00'),
    ('only {b} right', '#0072B2'),
    ('both wrong', '#555555'),
    ('not counted', '#FFFFFF'),
)


def draw_comparison(
    scores: Sequence[Comparison],
    best: Sequence[Comparison],
    worst: Sequence[Comparison],
    names: tuple[str, str],
    legend: ClassLegend,
    ignore_index: int,
) -> Figure:
    """Draw images, truth, both predictions and where they differ.

    Args:
        scores: All comparisons, for the heading.
        best: Those to draw first.
        worst: Those to draw below.
        names: Names of the two models.
        legend: Names and colours of the classes.
        ignore_index: Label that is not counted.

    Returns:
        The figure.
    """
    groups = [
        (f'where {names[1]} gains most over {names[0]}', best),
        (f'where {names[1]} gains least, or loses', worst),
    ]
    groups = [(heading, group) for heading, group in groups if group]
    occurring = sorted(
        {
            int(label)
            for score in (*best, *worst)
            for path in (score.files.truth, score.files.a, score.files.b)
            for label in np.unique(read_mask(path))
            if label != ignore_index
        }
    )
    heights = [sum(map(_row_height, group)) + 0.4 for _, group in groups]
    legend_height = 0.75 + 0.22 * -(-len(occurring) // 8)
    figure = new_figure(5 * _WIDTH, sum(heights) + legend_height + 0.5)
    figure.suptitle(_heading(scores, names), fontsize=13)
    *parts, bottom = figure.subfigures(len(groups) + 1, 1, height_ratios=[*heights, legend_height])
    for part, (heading, group) in zip(parts, groups):
        part.suptitle(heading, fontsize=12)
        _draw_group(part, group, names, legend, ignore_index)
    _draw_legends(bottom, occurring, names, legend)
    return figure


def _heading(scores: Sequence[Comparison], names: tuple[str, str]) -> str:
    means = [np.mean([getattr(score, side) for score in scores]) for side in ('miou_a', 'miou_b')]
    better, worse = (sum(sign * score.gain > 0 for score in scores) for sign in (1, -1))
    return (
        f"{len(scores)} images: the mean of their mIoU over the truth's classes is {means[0]:.1f} % for {names[0]}, "
        f'{means[1]:.1f} % for '
        f'{names[1]}; {names[1]} is better in {better}, worse in {worse}'
    )


def _row_height(score: Comparison) -> float:
    height, width = read_mask(score.files.truth).shape
    return _WIDTH * height / width + 0.35


def _draw_group(
    figure: SubFigure, group: Sequence[Comparison], names: tuple[str, str], legend: ClassLegend, ignore_index: int
) -> None:
    axes = figure.subplots(len(group), 5, squeeze=False, gridspec_kw=dict(height_ratios=list(map(_row_height, group))))
    for row, score in zip(axes, group):
        truth, a, b = (read_mask(path) for path in (score.files.truth, score.files.a, score.files.b))
        difference = _case_colours()[who_is_right(a, b, truth, ignore_index)]
        pictures = (
            read_image(score.files.image)[..., ::-1],
            *(legend.palette[mask] for mask in (truth, a, b)),
            difference,
        )
        captions = (
            score.name,
            '',
            f'mIoU {score.miou_a:.1f} %',
            f'mIoU {score.miou_b:.1f} %',
            f'mIoU {score.gain:+.1f}',
        )
        for each, picture, caption in zip(row, pictures, captions):
            show_picture(each, picture)
            _write_below(each, caption)
    for each, title in zip(axes[0], ('image', 'truth', *names, 'who is right')):
        each.set_title(title, fontsize=12)


def _write_below(axes: Axes, caption: str) -> None:
    axes.text(0.5, -0.02, caption, transform=axes.transAxes, ha='center', va='top', fontsize=10)


def _case_colours() -> np.ndarray:
    return np.array([[round(255 * part) for part in to_rgb(colour)] for _, colour in _CASES], np.uint8)


def _draw_legends(figure: SubFigure, occurring: Sequence[int], names: tuple[str, str], legend: ClassLegend) -> None:
    cases = [
        Patch(facecolor=colour, edgecolor='dimgray', label=text.format(a=names[0], b=names[1]))
        for text, colour in _CASES
    ]
    classes = [
        Patch(facecolor=legend.palette[label] / 255, edgecolor='dimgray', label=legend.name(label))
        for label in occurring
    ]
    figure.legend(handles=cases, loc='upper center', ncol=len(cases), fontsize=10, frameon=False)
    figure.legend(handles=classes, loc='lower center', ncol=8, fontsize=10, frameon=False)
