"""Golden arrays of the authors' layer alone: forward, backward and its initial values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from mmseg_gdn.models.layers import GlobalInterp
from mmseg_gdn.models.layers.interp_kernels import caffe_bounds
from mmseg_gdn.ops import global_interp

from .check import Check, relative_error

# Five times Caffe's own agreement with float64, 4.3e-7 of the largest value.
TOLERANCE = 2.15e-6
# The authors compute the bounds in float64, as this project does: only the last digit may differ.
BOUND_TOLERANCE = 1e-12
# Statistics of 200 seeds against 200 others': five standard errors of the largest statistic are far below this.
STATISTICS_TOLERANCE = 0.05


def is_layer(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether the arrays of a golden file are those of the layer alone."""
    return any(key.endswith('/bottom') for key in arrays)


def check_layer(arrays: Mapping[str, np.ndarray]) -> Iterator[Check]:
    """Compare the product, its gradients and the initial values.

    Args:
        arrays: A golden file.

    Yields:
        One comparison per stored quantity.
    """
    for key in arrays:
        if key.endswith('/bottom'):
            yield from _check_case(arrays, key[: -len('/bottom')])
        elif key.endswith('/ChwHW'):
            yield from _check_initial_values(arrays, key[: -len('/ChwHW')])


def _check_case(arrays: Mapping[str, np.ndarray], case: str) -> Iterator[Check]:
    x, blob0, blob1 = (
        torch.from_numpy(arrays[f'{case}/{name}']).requires_grad_() for name in ('bottom', 'blob0', 'blob1')
    )
    top = global_interp(x, blob0.t(), blob1.t())
    top.backward(torch.from_numpy(arrays[f'{case}/top_diff'].astype(np.float32)))
    top = top.detach().numpy()
    exact = top.astype(np.float64)
    actual = {
        'top': top,
        'top_grid25': top[:, :, ::25, ::25],
        'bottom_diff': x.grad.numpy(),
        'blob0_diff': blob0.grad.numpy(),
        'blob1_diff': blob1.grad.numpy(),
    }
    sums = {'sum': exact.sum((2, 3)), 'sumsq': np.square(exact).sum((2, 3))}
    for key in arrays:
        if not key.startswith(f'{case}/'):
            continue
        name = key[len(case) + 1 :]
        if name in actual:
            yield Check(key, relative_error(actual[name], arrays[key]), TOLERANCE)
        elif name not in ('bottom', 'blob0', 'blob1', 'top_diff'):
            yield Check(key, _closest(sums, arrays[key]), TOLERANCE)


def _closest(candidates: dict[str, np.ndarray], expected: np.ndarray) -> float:
    """Error of a stored statistic of each map, which is either the sum or the sum of squares."""
    return min(relative_error(value.reshape(-1), expected.reshape(-1)) for value in candidates.values())


def _check_initial_values(arrays: Mapping[str, np.ndarray], case: str) -> Iterator[Check]:
    channels, coarse_h, coarse_w, fine_h, fine_w = arrays[f'{case}/ChwHW'].tolist()
    sizes = (coarse_h, coarse_w), (fine_h, fine_w)
    bounds = caffe_bounds(channels, *sizes)
    yield Check(f'{case}/bounds_f64', relative_error(bounds, arrays[f'{case}/bounds_f64']), BOUND_TOLERANCE)

    stored = arrays[f'{case}/stats_min_max_mean_std'].mean(0)
    torch.manual_seed(0)
    layer = GlobalInterp(*sizes, init='caffe', channels=channels)
    statistics = np.zeros_like(stored)
    draws = len(arrays[f'{case}/stats_min_max_mean_std'])
    for _ in range(draws):
        layer.reset_parameters()
        for index, kernel in enumerate((layer.kernel_h, layer.kernel_w)):
            statistics[index] += [
                kernel.min().item(),
                kernel.max().item(),
                kernel.mean().item(),
                kernel.std(correction=0).item(),
            ]
    error = np.abs((statistics / draws - stored) / np.array(bounds)[:, None]).max()
    yield Check(f'{case}/stats_min_max_mean_std', float(error), STATISTICS_TOLERANCE, 'of the bound')
