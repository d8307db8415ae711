"""The picture of one or more pairs of matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter

from kernel_pairs import KernelPair, deviation_from_bilinear, footprint
from mmseg_gdn.visualization.figures import COLOURS, new_figure, show_matrix

# On each side of the middle cell.
_CELLS_IN_FOOTPRINT = 6
_CELLS_IN_PROFILE = 10


def draw_pairs(pairs: Sequence[KernelPair], align_corners: bool) -> Figure:
    """Draw each pair: matrices and deviations above; profile, singular values and footprints below.

    Args:
        pairs: The pairs.
        align_corners: Which bilinear interpolation they are compared with.

    Returns:
        The figure.
    """
    figure = new_figure(17, 8.4 * len(pairs))
    for part, pair in zip(np.atleast_1d(figure.subfigures(len(pairs), 1)), pairs):
        _draw_pair(part, pair, align_corners)
    return figure


def _draw_pair(figure: SubFigure, pair: KernelPair, align_corners: bool) -> None:
    bilinear = KernelPair(
        'bilinear',
        *(kernel - deviation_from_bilinear(kernel, align_corners) for kernel in (pair.kernel_h, pair.kernel_w)),
    )
    figure.suptitle(f'{pair.title}, compared with bilinear interpolation (align_corners={align_corners})')
    axes = figure.subplots(2, 4)
    _draw_matrices(figure, axes[0], pair, bilinear)
    _draw_profiles(axes[1, 0], pair, bilinear)
    _draw_singular_values(axes[1, 1], pair, bilinear)
    _draw_footprints(figure, axes[1, 2:], pair, bilinear)


def _draw_matrices(figure: SubFigure, axes: Sequence[Axes], pair: KernelPair, bilinear: KernelPair) -> None:
    limit = max(np.abs(matrix).max() for each in (pair, bilinear) for matrix in (each.kernel_h, each.kernel_w))
    sides = (('h', 'row', pair.kernel_h, bilinear.kernel_h), ('w', 'column', pair.kernel_w, bilinear.kernel_w))
    for (left, right), (side, what, kernel, stock) in zip(np.reshape(axes, (2, 2)), sides):
        fine, coarse = kernel.shape
        show_matrix(left, kernel, limit, f'$K_{side}$: {coarse} coarse to {fine} pixel {what}s')
        share = np.linalg.norm(kernel - stock) / np.linalg.norm(stock)
        drawn = show_matrix(
            right, kernel - stock, limit, f"$K_{side}$ - bilinear: {100 * share:.1f} % of bilinear's norm"
        )
        left.set_ylabel(f'pixel {what}')
        for each in (left, right):
            each.set_xlabel(f'coarse {what}')
    figure.colorbar(drawn, ax=list(axes), label='weight', shrink=0.9)


def _draw_profiles(axes: Axes, pair: KernelPair, bilinear: KernelPair) -> None:
    axes.plot(*_profile(bilinear.kernel_h), '--', color='black', label='bilinear')
    axes.plot(*_profile(pair.kernel_h), color=COLOURS[0], label='$K_h$ (rows)')
    axes.plot(*_profile(pair.kernel_w), color=COLOURS[1], label='$K_w$ (columns)')
    axes.axhline(0, color='gray', linewidth=0.6)
    axes.set_title('weight of the middle cell around it', fontsize=11)
    axes.set_xlabel('distance from the cell, in coarse cells')
    axes.set_ylabel('weight')
    left, right = axes.get_xlim()
    axes.set_xlim(max(left, -_CELLS_IN_PROFILE), min(right, _CELLS_IN_PROFILE))
    # Room for the legend above the curves.
    axes.set_ylim(top=1.35 * axes.get_ylim()[1])
    axes.legend(fontsize=9, loc='upper left')


def _profile(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances from the middle cell, in cells, and its weight there."""
    fine, coarse = kernel.shape
    places = (np.arange(fine) + 0.5) * coarse / fine - 0.5
    return places - coarse // 2, kernel[:, coarse // 2]


def _draw_singular_values(axes: Axes, pair: KernelPair, bilinear: KernelPair) -> None:
    if bilinear.kernel_h.shape == bilinear.kernel_w.shape:
        stock = [('bilinear, both', bilinear.kernel_h, 'black', '--')]
    else:
        stock = [
            ('bilinear for $K_h$', bilinear.kernel_h, COLOURS[0], '--'),
            ('bilinear for $K_w$', bilinear.kernel_w, COLOURS[1], ':'),
        ]
    learned = [('$K_h$', pair.kernel_h, COLOURS[0], '-'), ('$K_w$', pair.kernel_w, COLOURS[1], '-')]
    for label, kernel, colour, style in stock + learned:
        values = np.linalg.svd(kernel, compute_uv=False)
        marker = '.' if style == '-' else ''
        axes.plot(np.arange(1, len(values) + 1), values, style, color=colour, label=label, marker=marker)
    axes.set_yscale('log')
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter('{x:g}')
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_title('singular values', fontsize=11)
    axes.set_xlabel('index')
    axes.set_ylabel('singular value')
    axes.legend(fontsize=9)


def _draw_footprints(figure: SubFigure, axes: Sequence[Axes], pair: KernelPair, bilinear: KernelPair) -> None:
    middle = tuple(kernel.shape[1] // 2 for kernel in (pair.kernel_h, pair.kernel_w))
    planes = [footprint(each, *middle) for each in (bilinear, pair)]
    for each, plane, title in zip(axes, planes, ('bilinear', 'learned')):
        # Each with its own scale, because wide footprints are much lower than bilinear's.
        drawn = show_matrix(each, plane, np.abs(plane).max(), f'one coarse cell at full size: {title}')
        each.set_aspect('equal')
        each.set_xlabel('pixel column')
        _frame_cell(each, pair, middle)
        figure.colorbar(drawn, ax=each, label='weight', shrink=0.9)
    axes[0].set_ylabel('pixel row')


def _frame_cell(axes: Axes, pair: KernelPair, cell: tuple[int, int]) -> None:
    """Mark the place of a cell, and show only what lies near it."""
    strides = [kernel.shape[0] / kernel.shape[1] for kernel in (pair.kernel_h, pair.kernel_w)]
    top, left = (index * stride - 0.5 for index, stride in zip(cell, strides))
    axes.add_patch(Rectangle((left, top), strides[1], strides[0], fill=False, linestyle=':', linewidth=1.2))
    near = _CELLS_IN_FOOTPRINT
    axes.set_ylim(min(len(pair.kernel_h) - 0.5, top + (near + 1) * strides[0]), max(-0.5, top - near * strides[0]))
    axes.set_xlim(max(-0.5, left - near * strides[1]), min(len(pair.kernel_w) - 0.5, left + (near + 1) * strides[1]))
