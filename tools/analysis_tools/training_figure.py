"""The picture of one or more trainings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from mmseg_gdn.visualization.figures import COLOURS, new_figure
from training_log import TrainingLog, class_names, smooth

_SMOOTHING = 25  # a part of the curve, which one smoothed value averages
_MOST_TICKS = 6


def draw_training(logs: Sequence[TrainingLog]) -> Figure:
    """Draw loss, learning rate and mIoU of all runs, and below the IoU of each run's classes, as far as logged.

    Args:
        logs: The runs.

    Returns:
        The figure.
    """
    names = class_names(logs)
    with_classes = [log for log in logs if len(log.class_iou(names)[0])] if names else []
    heights = [4.2, 1.4 + 0.24 * len(names)][:1 + bool(names)]
    has_miou = any(len(log.curve('mIoU')[0]) for log in logs)
    figure = new_figure(max(5 * (2 + has_miou), 5.2 * len(with_classes)), sum(heights))
    parts = np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights))
    _draw_curves(parts[0], logs, has_miou)
    if names:
        _draw_class_iou(parts[1], with_classes, names)
    return figure


def _draw_curves(figure: SubFigure, logs: Sequence[TrainingLog], has_miou: bool) -> None:
    axes = figure.subplots(1, 2 + has_miou)
    _draw_loss(axes[0], logs)
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
    if len(logs) > 1:
        axes[-1].legend(fontsize=9)


def _draw_loss(axes: Axes, logs: Sequence[TrainingLog]) -> None:
    for log, colour in zip(logs, _colours(logs)):
        steps, loss = log.curve('loss')
        axes.plot(steps, loss, color=colour, alpha=0.25, linewidth=0.8)
        if len(loss):
            axes.plot(steps, smooth(loss, max(1, len(loss) // _SMOOTHING)), color=colour, label=log.name)
    axes.set_title('training loss: as logged (pale) and smoothed', fontsize=11)
    axes.set_ylabel('loss')


def _draw_curve(axes: Axes, logs: Sequence[TrainingLog], key: str, marker: str) -> None:
    for index, (log, colour) in enumerate(zip(logs, _colours(logs))):
        steps, values = log.curve(key)
        last = f': {values[-1]:.1f} at the end' if marker and len(values) else ''
        # Dashes show a curve that lies below another.
        axes.plot(steps, values, '--' if index else '-', color=colour, marker=marker, markersize=4,
                  label=f'{log.name}{last}')


def _colours(logs: Sequence[TrainingLog]) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(len(logs))]


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
