"""Mean IoU over the grid as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def draw_heat_map(report: dict, path: Path) -> None:
    """Draw one panel for each ``bi_w``, over ``bi_xy`` and ``bi_rgb``; of several ``pos_w`` and ``pos_xy`` the best.

    Args:
        report: From ``make_report``.
        path: PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    weights, rows, columns = (
        sorted({point[name] for point in report['points']}) for name in ('bi_w', 'bi_xy', 'bi_rgb')
    )
    values = np.full((len(weights), len(rows), len(columns)), -np.inf)
    for point in report['points']:
        place = weights.index(point['bi_w']), rows.index(point['bi_xy']), columns.index(point['bi_rgb'])
        values[place] = max(values[place], point['mIoU'])
    size = (1.8 + len(weights) * max(2.0, 0.75 * len(columns)), 1.6 + max(1.5, 0.6 * len(rows)))
    figure = Figure(size, dpi=150, layout='constrained')
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(weights), squeeze=False, sharey=True)[0]
    for panel, weight, grid in zip(panels, weights, values):
        shown = panel.imshow(grid, vmin=values.min(), vmax=values.max(), cmap='viridis', origin='lower', aspect='auto')
        panel.set_title(f'bi_w = {weight:g}')
        panel.set_xlabel('bi_rgb (steps of 0..255)')
        panel.set_xticks(range(len(columns)), [f'{value:g}' for value in columns])
        _write_values(panel, grid, values)
    panels[0].set_ylabel('bi_xy (px)')
    panels[0].set_yticks(range(len(rows)), [f'{value:g}' for value in rows])
    figure.colorbar(shown, ax=panels, label='mean IoU (%)')
    figure.suptitle(f'{report["images"]} images; without CRF {report["without_crf"]:.2f}, best {values.max():.2f}')
    figure.savefig(path, format='png')


def _write_values(panel: object, grid: np.ndarray, values: np.ndarray) -> None:
    middle = (values.min() + values.max()) / 2
    for (row, column), value in np.ndenumerate(grid):
        panel.text(
            column,
            row,
            f'{value:.2f}',
            ha='center',
            va='center',
            fontsize='small',
            color='black' if value > middle else 'white',
            fontweight='bold' if value == values.max() else 'normal',
        )
