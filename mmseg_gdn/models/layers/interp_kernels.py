"""Matrices for one axis of global interpolation: initial values, and how they move to another grid."""

from __future__ import annotations

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor


def bilinear_kernel(
    fine: int,
    coarse: int,
    align_corners: bool = False,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
) -> Tensor:
    """The matrix of linear interpolation along one axis.

    With such matrices on both axes, :func:`~mmseg_gdn.ops.global_interp` equals ``F.interpolate(mode='bilinear')``.

    Args:
        fine: Number of output pixels.
        coarse: Number of input cells.
        align_corners: As in ``F.interpolate``.
        dtype: Type of the result.
        device: Device of the result.

    Returns:
        Matrix of shape (fine, coarse) whose rows sum to 1.
    """
    unit_maps = torch.eye(coarse, dtype=dtype, device=device)[None]
    return F.interpolate(unit_maps, size=fine, mode='linear', align_corners=align_corners)[0].t().contiguous()


def caffe_bounds(channels: int, in_size: tuple[int, int], out_size: tuple[int, int]) -> tuple[float, float]:
    """Bounds of the uniform initial values in the authors' Caffe layer (``gdn.py``).

    Args:
        channels: Number of channels C of the maps.
        in_size: Coarse height and width (h, w).
        out_size: Full height and width (H, W).

    Returns:
        ``2 sqrt(6 / (C h w + C H w))`` for K_h and ``2 sqrt(6 / (C h w + C H W))`` for K_w.
    """
    (coarse_h, coarse_w), (fine_h, fine_w) = in_size, out_size
    before = channels * coarse_h * coarse_w
    after_rows = channels * fine_h * coarse_w
    after_both = channels * fine_h * fine_w
    return 2 * math.sqrt(6 / (before + after_rows)), 2 * math.sqrt(6 / (before + after_both))


def resample_kernel(kernel: Tensor, fine: int, coarse: int, align_corners: bool = False) -> Tensor:
    """Move a learned matrix to another grid, keeping its deviation from bilinear interpolation.

    Each pixel of the new grid takes over the deviation of one pixel of the old grid: the one at the same position
    within its coarse cell, in the cell at the same relative position in the map. The deviation keeps its reach in
    coarse cells and is not stretched with the grid. Nothing is averaged, so moving to a larger grid and back restores
    the matrix (exactly if the stride is a whole number of pixels; to 8 % for the released matrices at 500/64). Cells
    farther away than the old grid reached get no deviation.

    Args:
        kernel: Learned matrix, shape (H, h).
        fine: Number of output pixels H' of the result.
        coarse: Number of input cells h' of the result.
        align_corners: Which bilinear interpolation the deviation is measured from.

    Returns:
        Matrix of shape (fine, coarse), differentiable with respect to ``kernel``; ``kernel`` itself if it has these
        sizes.
    """
    old_fine, old_coarse = kernel.shape
    if (fine, coarse) == (old_fine, old_coarse):
        return kernel
    bilinear = partial(bilinear_kernel, align_corners=align_corners, dtype=kernel.dtype, device=kernel.device)
    deviation = kernel - bilinear(old_fine, old_coarse)

    place = _relative(torch.arange(fine, device=kernel.device), fine, coarse, align_corners)
    cell = place.round()
    old_cell = _relative(cell, coarse, old_coarse, align_corners).round()
    old_row = _relative(old_cell + (place - cell), old_coarse, old_fine, align_corners).round()
    old_column = torch.arange(coarse, device=kernel.device) + (old_cell - cell)[:, None]

    reached = (old_column >= 0) & (old_column < old_coarse)
    moved = deviation[old_row.clamp(0, old_fine - 1).long()[:, None], old_column.clamp(0, old_coarse - 1).long()]
    return bilinear(fine, coarse) + moved * reached


def _relative(index: Tensor, count: int, other_count: int, align_corners: bool) -> Tensor:
    """Positions on an axis of ``count`` points, in units of an axis of ``other_count`` points."""
    index = index.double()
    if align_corners:
        return index * ((other_count - 1) / max(count - 1, 1))
    return (index + 0.5) * (other_count / count) - 0.5
