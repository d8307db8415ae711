"""Draws a result file: time over stock per shape and step, that of other methods, and growth with the shapes."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt
from cases import GROWTH, Case
from steps import OURS, STOCK


def draw(results: dict, path: Path) -> None:
    """Write a PNG of the results of ``run.py``."""
    panels = 3 if results['growth'] else 2
    figure, axes = plt.subplots(1, panels, figsize=(7 * panels, 5.5), layout='constrained')
    _draw_ratios(axes[0], results['cases'])
    _draw_rivals(axes[1], results['cases'])
    if results['growth']:
        _draw_growth(axes[2], results['growth'])
    threads = f', {results["threads"]} threads' if results['device_type'] == 'cpu' else ''
    figure.suptitle(f'{results["device"]}{threads}, {results["dtype"]}, torch {results["versions"]["torch"]}')
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_ratios(axes: plt.Axes, cases: list[dict]) -> None:
    steps = cases[0]['steps']
    _draw_bars(axes, cases, {step: [case['steps'][step][OURS]['of_stock'] for case in cases] for step in steps})
    axes.set_ylabel('ours: time over F.interpolate and the same step')


def _draw_rivals(axes: plt.Axes, cases: list[dict]) -> None:
    methods = [case['steps']['forward_backward'] for case in cases]
    names = dict.fromkeys(name for method in methods for name in method if name != STOCK)
    absent = {'of_stock': math.nan}
    _draw_bars(axes, cases, {name: [method.get(name, absent)['of_stock'] for method in methods] for name in names})
    axes.set_yscale('log')
    axes.yaxis.set_major_formatter('{x:g}')
    axes.set_ylabel('forward and backward: time over F.interpolate')


def _draw_bars(axes: plt.Axes, cases: list[dict], ratios: dict[str, list[float]]) -> None:
    width = 0.8 / len(ratios)
    for index, (name, heights) in enumerate(ratios.items()):
        places = [position + index * width for position in range(len(cases))]
        axes.bar(places, heights, width, label=name.replace('_', ' '))
    axes.axhline(1, color='black', linewidth=0.8)
    axes.set_xticks(
        [position + 0.4 - width / 2 for position in range(len(cases))],
        [case['name'].replace('->', '\n-> ') for case in cases],
        fontsize=8,
    )
    axes.legend(fontsize=8, ncol=4, loc='lower center', bbox_to_anchor=(0.5, 1))


def _draw_growth(axes: plt.Axes, growth: dict[str, list[dict]]) -> None:
    for what, points in growth.items():
        first, last = GROWTH[what][0], GROWTH[what][-1]
        varied = next(field for field in Case._fields if getattr(first, field) != getattr(last, field))
        sides = [getattr(case, varied) for case in GROWTH[what]]
        axes.plot(
            [side / sides[0] for side in sides],
            [point['of_stock'] for point in points],
            'o-',
            label=f'{what}, from {first.name}',
        )
    axes.axhline(1, color='black', linewidth=0.8)
    axes.set_xscale('log', base=2)
    axes.xaxis.set_major_formatter('{x:g}')
    axes.set_xlabel('grown by a factor of')
    axes.set_ylabel('loss forward + backward: time over stock')
    axes.legend(fontsize=8)


if __name__ == '__main__':
    source = Path(sys.argv[1])
    draw(json.loads(source.read_text()), source.with_suffix('.png'))
