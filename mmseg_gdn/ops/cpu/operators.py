"""The operators in compiled code, for float32; other types and empty tensors go to :mod:`mmseg_gdn.ops.reference`."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .. import reference
from ..checks import Needs, check_labels, rows_first
from .compiled import is_available, library
from .memory import empty_map, workspace

_NO_GRADIENTS = False, False, False


def serves(dtype: torch.dtype | None, *tensors: Tensor) -> bool:
    """Whether the compiled code is there and can compute with these tensors."""
    return (
        dtype in (None, torch.float32)
        and is_available()
        and all(tensor.dtype == torch.float32 and tensor.numel() > 0 for tensor in tensors)
    )


def global_interp(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Full-size maps."""
    if not serves(dtype, x, kernel_h, kernel_w):
        return reference.global_interp(x, kernel_h, kernel_w, dtype)
    x, kernel_h, kernel_w = _contiguous(x, kernel_h, kernel_w)
    fine = empty_map((*x.shape[:2], len(kernel_h), len(kernel_w)))
    by_rows, threads = rows_first(kernel_h, kernel_w), torch.get_num_threads()
    sizes = _sizes_of_maps(x, kernel_h, kernel_w)
    memory = workspace(library().gdn_product_workspace(*x.shape[2:], len(kernel_w), by_rows, threads))
    library().gdn_product(*_addresses(x, kernel_h, kernel_w, fine), *sizes, by_rows, memory.data_ptr(), threads)
    return fine


def global_interp_backward(
    grad: Tensor, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, needs: Needs, dtype: torch.dtype | None
) -> tuple[Tensor, ...]:
    """Gradients of :func:`global_interp`."""
    if not serves(dtype, x, kernel_h, kernel_w, grad):
        return reference.global_interp_backward(grad, x, kernel_h, kernel_w, needs, dtype)
    grad, *inputs = _contiguous(grad, x, kernel_h, kernel_w)
    gradients = _empty_gradients(inputs, needs)
    by_rows, threads = rows_first(kernel_h, kernel_w), torch.get_num_threads()
    sizes = _sizes_of_maps(*inputs)
    memory = workspace(library().gdn_product_gradients_workspace(*sizes, by_rows, threads))
    library().gdn_product_gradients(*_addresses(*inputs, grad, *gradients), *sizes, by_rows, memory.data_ptr(), threads)
    return gradients


def global_interp_argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Best class of each pixel."""
    if not serves(dtype, x, kernel_h, kernel_w):
        return reference.global_interp_argmax(x, kernel_h, kernel_w, dtype)
    best = torch.empty(len(x), len(kernel_h), len(kernel_w), dtype=torch.int64, device='cpu')
    if rows_first(kernel_h, kernel_w):
        _write_argmax(x, kernel_h, kernel_w, best)
    else:
        _write_argmax(x.mT, kernel_w, kernel_h, best.mT)
    return best


def _write_argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, best: Tensor) -> None:
    x, kernel_h, kernel_w = _contiguous(x, kernel_h, kernel_w)
    sizes, threads = (*x.shape, len(kernel_h), len(kernel_w)), torch.get_num_threads()
    memory = workspace(library().gdn_argmax_workspace(*sizes, threads))
    library().gdn_argmax(
        *_addresses(x, kernel_h, kernel_w, best), *best.stride()[1:], *sizes, memory.data_ptr(), threads
    )


def cross_entropy_sums(
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    max_loss: float | None,
    needs: Needs,
    dtype: torch.dtype | None,
) -> tuple[Tensor, ...]:
    """Sums over pixels, and the gradients of the sum of the losses."""
    if not serves(dtype, x, kernel_h, kernel_w):
        _check_range(target, x.shape[1], ignore_index)
        return reference.cross_entropy_sums(x, kernel_h, kernel_w, target, weight, ignore_index, max_loss, needs, dtype)
    result = _cross_entropy(x, kernel_h, kernel_w, target, weight, ignore_index, needs, max_loss=max_loss)
    loss, weights, hits = result.sums
    return loss.float(), weights.float(), hits.long(), *result.gradients


def cross_entropy_losses(
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    dtype: torch.dtype | None,
) -> Tensor:
    """Loss of each pixel."""
    if not serves(dtype, x, kernel_h, kernel_w):
        _check_range(target, x.shape[1], ignore_index)
        return reference.cross_entropy_losses(x, kernel_h, kernel_w, target, weight, ignore_index, dtype)
    result = _cross_entropy(x, kernel_h, kernel_w, target, weight, ignore_index, _NO_GRADIENTS, with_losses=True)
    # Where the target lies column by column, so do the losses; torch.compile is told that they never do.
    return result.losses.contiguous()


def cross_entropy_losses_backward(
    grad: Tensor,
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    needs: Needs,
    dtype: torch.dtype | None,
) -> tuple[Tensor, ...]:
    """Gradients of :func:`cross_entropy_losses`."""
    if not serves(dtype, x, kernel_h, kernel_w):
        return reference.cross_entropy_losses_backward(
            grad, x, kernel_h, kernel_w, target, weight, ignore_index, needs, dtype
        )
    return _cross_entropy(x, kernel_h, kernel_w, target, weight, ignore_index, needs, grad_losses=grad).gradients


class _CrossEntropy(NamedTuple):
    """Losses of all pixels (empty if not wanted), the three sums, and the gradients of the first one."""

    losses: Tensor
    sums: Tensor
    gradients: tuple[Tensor, ...]


class _Problem(ctypes.Structure):
    """``problem_t`` of cross_entropy.c."""

    _fields_ = [
        *(
            (name, ctypes.c_void_p)
            for name in (
                'x',
                'kernel_h',
                'kernel_w',
                'target',
                'class_weight',
                'grad_losses',
                'losses',
                'grad_x',
                'grad_kernel_h',
                'grad_kernel_w',
                'totals',
                'workspace',
            )
        ),
        *(
            (name, ctypes.c_long)
            for name in (
                'images',
                'classes',
                'h',
                'w',
                'fine_h',
                'fine_w',
                'row_stride',
                'column_stride',
                'ignore_index',
            )
        ),
        ('max_loss', ctypes.c_float),
        ('threads', ctypes.c_int),
    ]


def _cross_entropy(
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    needs: Needs,
    *,
    max_loss: float | None = None,
    with_losses: bool = False,
    grad_losses: Tensor | None = None,
) -> _CrossEntropy:
    if not rows_first(kernel_h, kernel_w):
        losses, sums, (grad_x, grad_w, grad_h) = _cross_entropy(
            x.mT,
            kernel_w,
            kernel_h,
            target.mT,
            weight,
            ignore_index,
            (needs[0], needs[2], needs[1]),
            max_loss=max_loss,
            with_losses=with_losses,
            grad_losses=None if grad_losses is None else grad_losses.mT,
        )
        grad_x = grad_x.mT.contiguous() if needs[0] else grad_x
        return _CrossEntropy(losses.mT.contiguous() if with_losses else losses, sums, (grad_x, grad_h, grad_w))
    inputs = _contiguous(x, kernel_h, kernel_w)
    gradients = _empty_gradients(inputs, needs)
    target = target.long()
    if not (target.is_contiguous() or target.mT.is_contiguous()):
        target = target.contiguous()
    losses = torch.empty_like(target, dtype=torch.float32) if with_losses else x.new_empty(0)
    if grad_losses is not None:
        grad_losses = torch.empty_like(target, dtype=torch.float32).copy_(grad_losses)
    if weight is not None:
        weight = weight.float().contiguous()
    sizes, threads = (*x.shape, len(kernel_h), len(kernel_w)), torch.get_num_threads()
    memory = workspace(library().gdn_cross_entropy_workspace(*sizes, threads, any(needs)))
    totals = torch.zeros(5, dtype=torch.float64, device='cpu')
    problem = _Problem(
        *_addresses(*inputs, target, weight, grad_losses, losses, *gradients, totals, memory),
        *sizes,
        *target.stride()[1:],
        ignore_index,
        math.inf if max_loss is None else max_loss,
        threads,
    )
    library().gdn_cross_entropy(ctypes.byref(problem))
    lowest, highest = map(int, totals[3:].tolist())
    check_labels(lowest, highest, x.shape[1], ignore_index)
    return _CrossEntropy(losses, totals[:3], gradients)


def _check_range(target: Tensor, classes: int, ignore_index: int) -> None:
    target = target.long()
    if target.numel():
        lowest, highest = (target * (target != ignore_index)).aminmax()
        check_labels(int(lowest), int(highest), classes, ignore_index)


def _contiguous(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.contiguous() for tensor in tensors)


def _empty_gradients(inputs: Sequence[Tensor], needs: Needs) -> tuple[Tensor, ...]:
    return tuple(tensor.new_empty(tensor.shape if need else 0) for tensor, need in zip(inputs, needs))


def _sizes_of_maps(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> tuple[int, ...]:
    n, c, h, w = x.shape
    return n * c, h, w, len(kernel_h), len(kernel_w)


def _addresses(*tensors: Tensor | None) -> list[int | None]:
    """Where the tensors begin; nothing for those that are missing or empty."""
    return [None if tensor is None else tensor.data_ptr() or None for tensor in tensors]
