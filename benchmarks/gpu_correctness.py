"""The Triton kernels against the reference in double precision, on the device itself."""

from __future__ import annotations

import itertools
import os

import torch
from torch import Tensor

from mmseg_gdn.ops import cross_entropy_sums, cuda, global_interp, global_interp_argmax, global_interp_cross_entropy
from mmseg_gdn.utils import InputError

# Classes, coarse and fine sides: one tile and several, full ones and not, rows first and columns first.
SHAPES = (
    (2, 21, 16, 16, 125, 125),
    (1, 21, 64, 64, 129, 70),
    (1, 150, 33, 20, 66, 90),
    (1, 300, 8, 31, 40, 37),
    (2, 5, 12, 200, 30, 210),
)
TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float16: 4e-3}


def errors(device: torch.device, shapes: tuple = SHAPES) -> dict[str, float]:
    """The largest relative error of each operator and type.

    Args:
        device: Where to compute.
        shapes: (n, classes, h, w, fine_h, fine_w) each.

    Returns:
        Errors, by operator and type. A best class is wrong if its score lies below the highest one by more.
    """
    os.environ['MMSEG_GDN_TRITON'] = '1'
    largest: dict[str, float] = {}
    for shape, dtype in itertools.product(shapes, TOLERANCES):
        for name, error in _errors_of(shape, dtype, device).items():
            key = f'{name}, {str(dtype).removeprefix("torch.")}'
            largest[key] = max(largest.get(key, 0), error) if error == error else error
    return largest


def wrong(found: dict[str, float]) -> list[str]:
    """Which errors are too large, or no numbers."""
    limits = {str(dtype).removeprefix('torch.'): limit for dtype, limit in TOLERANCES.items()}
    return [name for name, error in found.items() if not error <= limits[name.split(', ')[-1]]]


def _errors_of(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> dict[str, float]:
    n, classes, h, w, fine_h, fine_w = shape
    generator = torch.Generator().manual_seed(sum(shape))
    inputs = [
        (torch.randn(size, generator=generator) / size[-1] ** 0.5).to(device, dtype).requires_grad_()
        for size in ((n, classes, h, w), (fine_h, h), (fine_w, w))
    ]
    target = torch.randint(classes, (n, fine_h, fine_w), generator=generator)
    target[torch.rand(target.shape, generator=generator) < 0.2] = 255
    target, weight = target.to(device), torch.linspace(0.5, 2, classes).to(device)
    doubles = [tensor.detach().double().requires_grad_() for tensor in inputs]
    found = {}
    for reduction in ('mean', 'sum', 'none'):
        results = []
        for tensors in (inputs, doubles):
            loss = global_interp_cross_entropy(*tensors, target, weight=weight, reduction=reduction)
            results.append([loss, *torch.autograd.grad(loss.sum(), tensors)])
        for name, ours, right in zip(('loss', 'gradient of x', 'of kernel_h', 'of kernel_w'), *results):
            found[f'{name} ({reduction})'] = _relative(ours, right)
    scores = global_interp(*doubles).detach()
    best = global_interp_argmax(*inputs)
    found['scores'] = _relative(global_interp(*inputs), scores)
    missing = scores.amax(1) - scores.gather(1, best[:, None]).squeeze(1)
    found['best class'] = float(missing.max() / scores.abs().max())
    hits, right = (cross_entropy_sums(*tensors, target).hits for tensors in (inputs, doubles))
    found['hits'] = float((hits - right).abs() / target.numel())
    if cuda.switch._problems:
        raise InputError(f'{cuda.status()} So there is nothing to measure; mend that first.')
    return found


def _relative(ours: Tensor, right: Tensor) -> float:
    return float((ours.detach().double() - right.detach()).norm() / right.detach().norm())
