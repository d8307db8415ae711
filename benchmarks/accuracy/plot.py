"""Differences between GDN and bilinear interpolation in all settings, as one picture."""

from __future__ import annotations

from pathlib import Path

from comparison import Measure, Variant, by_setting, compared
from experiments import BASELINES
from matplotlib.figure import Figure
from records import read_results
from wording import short_setting_text

_SHOWN = {
    'gdn-x20': ('GDN, factor 20', 'C0'),
    'gdn-x100': ('GDN, factor 100', 'C3'),
    'deconv-x1': ('learned deconvolution', 'C1'),
    'gdn-fit_kernels': ('bilinear, then fit_kernels.py', 'C2'),
}


def draw_differences(folder: Path) -> Figure:
    """Draw the difference in mIoU from bilinear interpolation for each setting.

    A dot is a seed; a bar is the 95 % interval over validation images of their mean.

    Args:
        folder: Folder of the results.

    Returns:
        The figure.
    """
    lines = _settings(folder)
    figure = Figure(figsize=(8, 1.2 + 0.6 * len(lines)), layout='constrained')
    axes = figure.subplots()
    for row, (variants, _) in enumerate(lines):
        for offset, (name, (label, color)) in enumerate(_SHOWN.items()):
            if name in variants:
                _draw(axes, variants[name], row + 0.18 * (offset - 1.5), label, color)
    axes.axvline(0, color='black', linewidth=0.8)
    axes.set_yticks(range(len(lines)), [text for _, text in lines])
    axes.invert_yaxis()
    axes.set_xlabel(
        'mIoU minus that of bilinear interpolation\n'
        'dots: seeds; bars: 95 % of their mean over images,\nfor CamVid over parts of its clip'
    )
    axes.grid(axis='x', alpha=0.3)
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles))
    figure.legend(unique.values(), unique.keys(), loc='outside upper center', ncols=2, frameon=False)
    return figure


def _settings(folder: Path) -> list[tuple[dict[str, Variant], str]]:
    found = []
    done = read_results(folder).values()
    for studies in (('upsampling', 'checkpoints'), ('spoilers',)):
        for results in by_setting([result for result in done if result['settings']['study'] in studies]).values():
            variants = {one.experiment.variant: one for one in compared(results, BASELINES[studies[0]])}
            if set(variants) & set(_SHOWN):
                found.append((variants, short_setting_text(next(iter(variants.values())).experiment)))
    return found


def _draw(axes: object, variant: Variant, y: float, label: str, color: str) -> None:
    differences = variant.differences(Measure())
    interval = variant.interval(Measure())
    if interval:
        axes.plot(interval, (y, y), color=color, linewidth=4, alpha=0.35, solid_capstyle='butt')
    axes.plot(differences, [y] * len(differences), 'o', color=color, markersize=5, label=label)
