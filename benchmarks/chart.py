"""Draws a result file: time over stock per shape and step, and how the loss grows with the shapes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt
from cases import GROWTH, Case


def draw(results: dict, path: Path) -> None:
    """Write a PNG of the results of ``run.py``."""
    columns = 2 if results['growth'] else 1
    figure, axes = plt.subplots(1, columns, figsize=(14, 5.5), layout='constrained', squeeze=False)
    _draw_ratios(axes[0, 0], results['cases'])
    if results['growth']:
        _draw_growth(axes[0, 1], results['growth'])
    threads = f', {results["threads"]} threads' if results['device_type'] == 'cpu' else ''
    figure.suptitle(f'{results["device"]}{threads}, {results["dtype"]}, torch {results["versions"]["torch"]}')
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_ratios(axes: plt.Axes, cases: list[dict]) -> None:
    steps = list(cases[0]['steps'])
    width = 0.8 / len(steps)
    for index, step in enumerate(steps):
        ratios = [case['steps'][step]['ours']['of_stock'] for case in cases]
        axes.bar([position + index * width for position in range(len(cases))], ratios, width, label=step)
    axes.axhline(1, color='black', linewidth=0.8)
    axes.set_xticks([position + 0.4 - width / 2 for position in range(len(cases))],
                    [case['name'].replace('->', '\n-> ') for case in cases], fontsize=8)
    axes.set_ylabel('time over F.interpolate and the same step')
    axes.legend(fontsize=8)


def _draw_growth(axes: plt.Axes, growth: dict[str, list[dict]]) -> None:
    for what, points in growth.items():
        first, last = GROWTH[what][0], GROWTH[what][-1]
        varied = next(field for field in Case._fields if getattr(first, field) != getattr(last, field))
        sides = [getattr(case, varied) for case in GROWTH[what]]
        axes.plot([side / sides[0] for side in sides], [point['of_stock'] for point in points], 'o-',
                  label=f'{what}, from {first.name}')
    axes.axhline(1, color='black', linewidth=0.8)
    axes.set_xscale('log', base=2)
    axes.xaxis.set_major_formatter('{x:g}')
    axes.set_xlabel('grown by a factor of')
    axes.set_ylabel('loss forward + backward: time over stock')
    axes.legend(fontsize=8)


if __name__ == '__main__':
    source = Path(sys.argv[1])
    draw(json.loads(source.read_text()), source.with_suffix('.png'))
