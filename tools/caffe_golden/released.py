"""The matrices of the authors' release: derived arrays, and their signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from mmseg_gdn.models.layers import GlobalInterp
from mmseg_gdn.models.layers.interp_kernels import bilinear_kernel

from .check import Check, relative_error

TOLERANCE = 2.15e-6
_MATRICES = ('w0_500', 'w1_500')


def is_released(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether the arrays of a golden file are the released matrices."""
    return all(name in arrays for name in _MATRICES)


def check_released(arrays: Mapping[str, np.ndarray]) -> Iterator[Check]:
    """Compare bilinear matrices and singular values with those stored, and test the signs.

    Args:
        arrays: A golden file with matrices stored as (h, H) and (w, W).

    Yields:
        One comparison per stored quantity, and two for the layer with both matrices loaded.
    """
    yield from _check_derived(arrays)
    kernel_h, kernel_w = (torch.from_numpy(arrays[name]).t() for name in _MATRICES)
    layer = GlobalInterp(kernel_h.shape[1:] + kernel_w.shape[1:], kernel_h.shape[:1] + kernel_w.shape[:1])
    layer.load_state_dict(dict(kernel_h=kernel_h, kernel_w=kernel_w))
    means = [float(kernel.detach().sum(1).mean()) for kernel in (layer.kernel_h, layer.kernel_w)]
    yield Check('both matrices are negated', 0.0 if max(means) < 0 else float('inf'), TOLERANCE)
    constant = layer(torch.ones(1, 1, *layer.in_size)).detach().numpy()
    expected = np.outer(arrays['w0_500'].sum(0), arrays['w1_500'].sum(0))
    error = relative_error(constant[0, 0], expected) if expected.mean() > 0 else float('inf')
    yield Check('a constant map stays positive', error, TOLERANCE)


def _check_derived(arrays: Mapping[str, np.ndarray]) -> Iterator[Check]:
    coarse, fine = arrays['w0_500'].shape
    for name in arrays:
        if name.startswith('bilinear_ac_'):
            ours = bilinear_kernel(fine, coarse, 'true' in name, dtype=torch.float64).t().numpy()
        elif name.startswith('bilinear_stride'):
            ours = _stride_matrix(coarse, fine, int(name[len('bilinear_stride') :].split('_')[0]))
        elif name.endswith('_singular_values'):
            matrix = next(matrix for matrix in _MATRICES if matrix.startswith(name.split('_')[0]))
            ours = torch.linalg.svdvals(torch.from_numpy(arrays[matrix]).double()).numpy()
        else:
            continue
        yield Check(name, relative_error(ours, arrays[name]), TOLERANCE)


def _stride_matrix(coarse: int, fine: int, stride: int) -> np.ndarray:
    """Linear interpolation in which pixel X reads the coarse position X / stride, at most the last cell."""
    place = np.minimum(np.arange(fine) / stride, coarse - 1)
    return np.maximum(0, 1 - np.abs(place[None] - np.arange(coarse)[:, None]))
