"""The picture of one or more trainings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from mmseg_gdn.visualization.figures import COLOURS, new_figure
from training_log import TrainingLog, class_names, smooth

_SMOOTHING = 25  # a part of the curve, which one smoothed value averages
_MOST_TICKS = 6
_LEGEND_COLUMNS = 3


def draw_training(logs: Sequence[TrainingLog]) -> Figure:
    """Draw loss, learning rate and mIoU of all runs, and below the IoU of each run's classes, as far as logged.

    Args:
        logs: The runs.

    Returns:
        The figure.
    """
    names = class_names(logs)
    with_classes = [log for log in logs if len(log.class_iou(names)[0])] if names else []
    has_miou = any(len(log.curve('mIoU')[0]) for log in logs)
    # Curves, their legend, classes; what is not needed takes no room.
    heights = [
        4.2,
        0.35 * -(-len(logs) // _LEGEND_COLUMNS) if len(logs) > 1 else 0.01,
        1.4 + 0.24 * len(names) if names else 0.01,
    ]
    figure = new_figure(max(5 * (2 + has_miou), 5.2 * len(with_classes)), sum(heights))
    curves, legend, classes = figure.subfigures(3, 1, height_ratios=heights)
    lines = _draw_curves(curves, logs, has_miou)
    if len(logs) > 1:
        legend.legend(handles=lines, loc='center', ncol=_LEGEND_COLUMNS, fontsize=10, frameon=False)
    if names:
        _draw_class_iou(classes, with_classes, names)
    return figure


def _draw_curves(figure: SubFigure, logs: Sequence[TrainingLog], has_miou: bool) -> list[Line2D]:
    """The curves; gives one of each run for the legend."""
    axes = figure.subplots(1, 2 + has_miou)
    lines = _draw_loss(axes[0], logs)
    _draw_curve(axes[1], logs, 'lr', '')
    axes[1].set_title('learning rate of the first parameter group', fontsize=11)
    axes[1].set_ylabel('learning rate')
    if has_miou:
        _draw_curve(axes[2], logs, 'mIoU', 'o')
        axes[2].set_title('mIoU on the validation images', fontsize=11)
        axes[2].set_ylabel('mIoU in %')
    for each in axes:
        each.set_xlabel('iteration')
        each.set_xlim(left=0)
        each.set_ylim(bottom=0)
        each.grid(alpha=0.3)
    return lines


def _draw_loss(axes: Axes, logs: Sequence[TrainingLog]) -> list[Line2D]:
    axes.set_title('training loss: as logged (pale) and smoothed', fontsize=11)
    axes.set_ylabel('loss')
    lines = []
    for index, log in enumerate(logs):
        steps, loss = log.curve('loss')
        axes.plot(steps, loss, color=_style(index)['color'], alpha=0.25, linewidth=0.8)
        smoothed = smooth(loss, max(1, len(loss) // _SMOOTHING)) if len(loss) else loss
        lines += axes.plot(steps, smoothed, **_style(index), label=_label(log))
    return lines


def _draw_curve(axes: Axes, logs: Sequence[TrainingLog], key: str, marker: str) -> None:
    for index, log in enumerate(logs):
        axes.plot(*log.curve(key), **_style(index), marker=marker, markersize=4)


def _style(index: int) -> dict[str, str]:
    # Different dashes show a curve that lies below another.
    return dict(color=COLOURS[index % len(COLOURS)], linestyle=('-', '--', ':', '-.')[index % 4])


def _label(log: TrainingLog) -> str:
    miou = log.curve('mIoU')[1]
    return f'{log.name}: mIoU {miou[-1]:.1f} % at the end' if len(miou) else log.name


def _draw_class_iou(figure: SubFigure, logs: Sequence[TrainingLog], names: Sequence[str]) -> None:
    axes = figure.subplots(1, len(logs), squeeze=False)[0]
    for each, log in zip(axes, logs):
        steps, iou = log.class_iou(names)
        drawn = each.imshow(iou, aspect='auto', vmin=0, vmax=100, cmap='viridis', interpolation='nearest')
        each.set_facecolor('lightgray')
        title = 'IoU of each class on the validation images'
        each.set_title(title if len(logs) == 1 else f'IoU of each class: {log.name}', fontsize=11)
        finals = ['-' if np.isnan(value) else f'{value:.0f}' for value in iou[:, -1]]
        each.set_yticks(range(len(names)), [f'{name}  {final}' for name, final in zip(names, finals)], fontsize=9)
        shown = np.unique(np.linspace(0, len(steps) - 1, min(_MOST_TICKS, len(steps))).round().astype(int))
        each.set_xticks(shown, steps[shown])
        each.set_xlabel('iteration of the validation (beside the names: the last one)')
    figure.colorbar(drawn, ax=list(axes), label='IoU in % (grey: the class does not occur)', shrink=0.9)
