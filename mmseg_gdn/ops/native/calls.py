"""Tensors in and out of the compiled code. Callers have asked :func:`serves` before."""

from __future__ import annotations

import ctypes
import math
from typing import NamedTuple

import torch
from torch import Tensor

from .library import library


class LossSums(NamedTuple):
    """Sums over pixels, the extreme labels among those not ignored (0 included), and the gradients of the sum."""

    loss: float
    weight: float
    hits: float
    lowest_label: int
    highest_label: int
    gradients: list[Tensor | None]


def product(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, out: Tensor, rows_first: bool) -> None:
    """``out = kernel_h @ x @ kernel_w.T`` for each channel; x (N, C, h, w), out (N, C, H, W) without gaps.

    ``rows_first`` tells whether to begin with ``kernel_h @ x`` or with ``x @ kernel_w.T``.
    """
    x, kernel_h, kernel_w = _without_gaps(x, kernel_h, kernel_w)
    sizes, threads = _sizes_of_maps(x, kernel_h, kernel_w), torch.get_num_threads()
    _, h, w, _, fine_w = sizes
    room = _room(library().gdn_product_room(h, w, fine_w, rows_first, threads))
    library().gdn_product(*_addresses(x, kernel_h, kernel_w, out), *sizes, rows_first, *_addresses(room), threads)


def product_gradients(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, grad: Tensor, needs: tuple[bool, bool, bool],
                      rows_first: bool) -> list[Tensor | None]:
    """Gradients of :func:`product` with respect to x, kernel_h and kernel_w, ``None`` where not needed."""
    x, kernel_h, kernel_w, grad = _without_gaps(x, kernel_h, kernel_w, grad)
    gradients = _gradients_of((x, kernel_h, kernel_w), needs)
    sizes, threads = _sizes_of_maps(x, kernel_h, kernel_w), torch.get_num_threads()
    room = _room(library().gdn_product_gradients_room(*sizes, rows_first, threads))
    library().gdn_product_gradients(*_addresses(x, kernel_h, kernel_w, grad, *gradients), *sizes, rows_first,
                                    *_addresses(room), threads)
    return gradients


def argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, best: Tensor) -> None:
    """Write the best class of each pixel to ``best`` (N, H, W), int64, without gaps or the transpose of such a one."""
    x, kernel_h, kernel_w = _without_gaps(x, kernel_h, kernel_w)
    sizes, threads = (*x.shape, len(kernel_h), len(kernel_w)), torch.get_num_threads()
    room = _room(library().gdn_argmax_room(*sizes, threads))
    library().gdn_argmax(*_addresses(x, kernel_h, kernel_w, best), *best.stride()[1:], *sizes, *_addresses(room),
                         threads)


def cross_entropy(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, *, class_weight: Tensor | None,
                  ignore_index: int, max_loss: float | None, count_hits: bool, needs: tuple[bool, bool, bool],
                  losses: Tensor | None = None, grad_losses: Tensor | None = None) -> LossSums:
    """Sums of the losses of all pixels and their gradients.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Shape (H, h).
        kernel_w: Shape (W, w).
        target: Labels, shape (N, H, W); those that are no class are counted as class 0, see ``LossSums``.
        class_weight: Weight of each class, shape (C,).
        ignore_index: Label of pixels that do not count.
        max_loss: Largest loss of a pixel before its weight.
        count_hits: Whether to count the pixels whose best class is the label's.
        needs: Whether the gradients of x, kernel_h and kernel_w are wanted.
        losses: Takes up each pixel's loss, shape (N, H, W).
        grad_losses: Gradient with respect to each pixel's loss, shape (N, H, W); ones when not given.
    """
    inputs = x, kernel_h, kernel_w = _without_gaps(x, kernel_h, kernel_w)
    gradients = _gradients_of(inputs, needs)
    target = target.long()
    if not (target.is_contiguous() or target.mT.is_contiguous()):
        target = target.contiguous()
    own_losses = None if losses is None else torch.empty_like(target, dtype=torch.float32)
    if grad_losses is not None:
        grad_losses = torch.empty_like(target, dtype=torch.float32).copy_(grad_losses)
    if class_weight is not None:
        class_weight = class_weight.float().contiguous()
    sizes, threads = (*x.shape, len(kernel_h), len(kernel_w)), torch.get_num_threads()
    room = _room(library().gdn_cross_entropy_room(*sizes, threads, any(needs)))
    totals = torch.zeros(5, dtype=torch.float64, device='cpu')
    problem = _Problem(*_addresses(*inputs, target, class_weight, grad_losses, own_losses, *gradients, totals, room),
                       *sizes, *target.stride()[1:], ignore_index, math.inf if max_loss is None else max_loss,
                       count_hits, threads)
    library().gdn_cross_entropy(ctypes.byref(problem))
    if losses is not None:
        losses.copy_(own_losses)
    loss, weight, hits, lowest, highest = totals.tolist()
    return LossSums(loss, weight, hits, int(lowest), int(highest), gradients)


class _Problem(ctypes.Structure):
    """``problem_t`` of cross_entropy.c."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in (
            'x', 'kernel_h', 'kernel_w', 'target', 'class_weight', 'grad_losses', 'losses', 'grad_x', 'grad_kernel_h',
            'grad_kernel_w', 'totals', 'room')),
        *((name, ctypes.c_long) for name in (
            'images', 'classes', 'h', 'w', 'fine_h', 'fine_w', 'line_step', 'column_step', 'ignore_index')),
        ('max_loss', ctypes.c_float),
        ('with_hits', ctypes.c_int),
        ('threads', ctypes.c_int),
    ]


def _without_gaps(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.contiguous() for tensor in tensors)


def _gradients_of(inputs: tuple[Tensor, ...], needs: tuple[bool, bool, bool]) -> list[Tensor | None]:
    return [torch.empty_like(tensor) if need else None for tensor, need in zip(inputs, needs)]


def _sizes_of_maps(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> tuple[int, ...]:
    n, c, h, w = x.shape
    return n * c, h, w, len(kernel_h), len(kernel_w)


def _room(floats: int) -> Tensor:
    """Memory to work in, from PyTorch, so that its profiler sees it."""
    return torch.empty(floats, dtype=torch.float32, device='cpu')


def _addresses(*tensors: Tensor | None) -> list[int | None]:
    return [None if tensor is None else tensor.data_ptr() for tensor in tensors]
