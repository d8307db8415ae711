"""Draws a result file of ``gpu.py``: time over stock of each step, and peak memory of the loss."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt
from gpu_methods import COMPILED, OURS, REFERENCE, STEPS, STOCK

_METHODS = REFERENCE, COMPILED, OURS


def draw(results: dict, path: Path) -> None:
    """Write a PNG."""
    figure, axes = plt.subplots(1, len(STEPS) + 1, figsize=(6 * (len(STEPS) + 1), 6), layout='constrained')
    for panel, step in zip(axes, STEPS):
        _draw_bars(panel, results['cases'], step, 'of_stock')
        panel.set_ylabel(f'{step}: time over F.interpolate and the same step')
    for case in results['cases']:
        entries = case['steps']['loss']
        for entry in entries.values():
            entry['memory_of_stock'] = entry['peak_bytes'] / max(1, entries[STOCK]['peak_bytes'])
    _draw_bars(axes[-1], results['cases'], 'loss', 'memory_of_stock')
    axes[-1].set_ylabel('loss with gradients: peak memory over that of stock')
    figure.suptitle(f'{results["device"]}, torch {results["versions"]["torch"]}')
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_bars(axes: plt.Axes, cases: list[dict], step: str, what: str) -> None:
    width = 0.8 / len(_METHODS)
    for index, method in enumerate(_METHODS):
        values = [case['steps'][step].get(method, {}).get(what, float('nan')) for case in cases]
        axes.bar([place + index * width for place in range(len(cases))], values, width, label=method)
    axes.axhline(1, color='black', linewidth=0.8)
    axes.set_xticks(range(len(cases)), [f'{case["name"]}\n{case["dtype"]}' for case in cases], rotation=90, fontsize=7)
    axes.legend(fontsize=8)
