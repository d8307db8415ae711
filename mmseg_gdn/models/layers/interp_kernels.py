"""Matrices for one axis of global interpolation: where they start and how they move to another grid."""

from __future__ import annotations

import math
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor


def bilinear_kernel(fine: int,
                    coarse: int,
                    align_corners: bool = False,
                    dtype: Optional[torch.dtype] = None,
                    device: Optional[torch.device] = None) -> Tensor:
    """The matrix of linear interpolation along one axis.

    With it as both kernels, :func:`~mmseg_gdn.ops.global_interp` equals ``F.interpolate(mode='bilinear')``.

    Args:
        fine: Number of output pixels.
        coarse: Number of input cells.
        align_corners: As in ``F.interpolate``.
        dtype: Type of the result.
        device: Where the result lies.

    Returns:
        Matrix of shape (fine, coarse) whose rows sum to 1.
    """
    unit_maps = torch.eye(coarse, dtype=dtype, device=device)[None]
    return F.interpolate(unit_maps, size=fine, mode='linear', align_corners=align_corners)[0].t().contiguous()


def caffe_bounds(channels: int, in_size: tuple[int, int], out_size: tuple[int, int]) -> tuple[float, float]:
    """Bounds of the uniform start values in the authors' Caffe layer (``gdn.py``).

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

    A pixel at the same relative place of the new grid deviates from bilinear as it did on the old one, cell
    by cell around its own place: what was learned is a reach in coarse cells, so it must not stretch with the
    grid. Cells further off than the old grid reached deviate by nothing.

    Args:
        kernel: Learned matrix, shape (H, h).
        fine: Number of output pixels H' wanted.
        coarse: Number of input cells h' wanted.
        align_corners: Which bilinear interpolation the deviation is measured from.

    Returns:
        Matrix of shape (fine, coarse), differentiable with respect to ``kernel``; ``kernel`` itself for its own
        sizes.
    """
    old_fine, old_coarse = kernel.shape
    if (fine, coarse) == (old_fine, old_coarse):
        return kernel
    like = dict(dtype=kernel.dtype, device=kernel.device)
    deviation = kernel - bilinear_kernel(old_fine, old_coarse, align_corners, **like)

    row = torch.arange(fine, **like)
    old_row = _relative(row, fine, old_fine, align_corners)
    place = _relative(row, fine, coarse, align_corners)
    old_place = _relative(row, fine, old_coarse, align_corners)
    offset = torch.arange(coarse, **like) - place[:, None]
    old_column = old_place[:, None] + offset

    rows = _sample_rows(deviation, old_row.clamp(0, old_fine - 1))
    return bilinear_kernel(fine, coarse, align_corners, **like) + _sample_columns(rows, old_column)


def _relative(index: Tensor, count: int, other_count: int, align_corners: bool) -> Tensor:
    """Where positions on an axis of ``count`` points lie on one of ``other_count`` points."""
    if align_corners:
        return index * ((other_count - 1) / max(count - 1, 1))
    return (index + 0.5) * (other_count / count) - 0.5


def _sample_rows(matrix: Tensor, position: Tensor) -> Tensor:
    """Rows of (H, h) at fractional positions (H',), by linear interpolation."""
    low = position.floor().long()
    high = (low + 1).clamp(max=matrix.shape[0] - 1)
    share = (position - low)[:, None]
    return matrix[low] * (1 - share) + matrix[high] * share


def _sample_columns(matrix: Tensor, position: Tensor) -> Tensor:
    """Entries of (H', h) at fractional columns (H', h'), by linear interpolation, zero outside."""
    padded = F.pad(matrix, (1, 1))
    position = (position + 1).clamp(0, padded.shape[1] - 1)
    low = position.floor().long()
    high = (low + 1).clamp(max=padded.shape[1] - 1)
    share = position - low
    return padded.gather(1, low) * (1 - share) + padded.gather(1, high) * share
