"""Cross-entropy of globally interpolated scores, without the full-size scores."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from mmseg_gdn.utils import InputError

from . import library
from .checks import check_classes, check_shapes

_REDUCTIONS = ('mean', 'sum', 'none')


class CrossEntropySums(NamedTuple):
    """Sums over the valid pixels, as scalars.

    Attributes:
        loss: Sum of the weighted losses, at least float32; differentiable.
        weight: Sum of the weights of the pixels' classes, in the same type.
        hits: Number of pixels whose best class is the target's, int64.
    """

    loss: Tensor
    weight: Tensor
    hits: Tensor


def global_interp_cross_entropy(
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    ignore_index: int = 255,
    reduction: Literal['mean', 'sum', 'none'] = 'mean',
) -> Tensor:
    """``F.cross_entropy(global_interp(x, kernel_h, kernel_w), target, ...)`` in less time and memory.

    Full-size scores are computed a few rows at a time. For 'mean' and 'sum', the forward pass also computes the
    gradients of all three inputs, which are small, so that no score is computed twice.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h).
        kernel_w: Maps columns, shape (W, w).
        target: Class indices, shape (N, H, W), any integer type.
        weight: Weight of each class, shape (C,).
        ignore_index: Label of pixels that do not count.
        reduction: ``'mean'`` (divided by the sum of the valid pixels' weights; nan if there are none), ``'sum'`` or
            ``'none'``, as in ``F.cross_entropy``.

    Returns:
        Scalar loss, or losses (N, H, W) for ``reduction='none'``, at least float32.

    Raises:
        InputError: If a shape, type or option is wrong, or (checked on the CPU only) a label.

    Example:
        >>> x, target = torch.zeros(1, 21, 16, 16), torch.zeros(1, 500, 500, dtype=torch.long)
        >>> global_interp_cross_entropy(x, torch.ones(500, 16), torch.ones(500, 16), target)
        tensor(3.0445)
    """
    if reduction not in _REDUCTIONS:
        raise InputError(f'reduction must be one of {", ".join(map(repr, _REDUCTIONS))}, but got {reduction!r}.')
    if reduction == 'none':
        _check(x, kernel_h, kernel_w, target, weight)
        return library.cross_entropy_losses(x, kernel_h, kernel_w, target, weight, ignore_index, None)
    sums = cross_entropy_sums(x, kernel_h, kernel_w, target, weight=weight, ignore_index=ignore_index)
    if reduction == 'sum':
        return sums.loss
    # If no pixel counts: nan with a gradient of 0, as in F.cross_entropy.
    nothing = sums.weight == 0
    return (sums.loss / sums.weight.masked_fill(nothing, 1)).masked_fill(nothing, float('nan'))


def cross_entropy_sums(
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    ignore_index: int = 255,
    max_loss: float | None = None,
) -> CrossEntropySums:
    """Sums from which every normalization of the cross-entropy of ``global_interp(x, kernel_h, kernel_w)`` follows.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h).
        kernel_w: Maps columns, shape (W, w).
        target: Class indices, shape (N, H, W), any integer type.
        weight: Weight of each class, shape (C,).
        ignore_index: Label of pixels that do not count.
        max_loss: Upper bound of a pixel's loss, before its weight; the gradient is that of the unbounded loss. Caffe's
            bound is ``-log(FLT_MIN)``.

    Returns:
        The sums.

    Raises:
        InputError: If a shape or type is wrong, or (checked on the CPU only) a label.
    """
    _check(x, kernel_h, kernel_w, target, weight)
    needs = [torch.is_grad_enabled() and tensor.requires_grad for tensor in (x, kernel_h, kernel_w)]
    sums = library.cross_entropy_sums(x, kernel_h, kernel_w, target, weight, ignore_index, max_loss, needs, None)
    return CrossEntropySums(*sums[:3])


def _check(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, weight: Tensor | None) -> None:
    check_shapes(x, kernel_h, kernel_w)
    check_classes(x)
    wanted = (x.shape[0], kernel_h.shape[0], kernel_w.shape[0])
    if tuple(target.shape) != wanted or target.dtype.is_floating_point or target.dtype.is_complex:
        raise InputError(
            f'The target must hold class indices in the shape (N, H, W), here {wanted}, '
            f'but got {target.dtype} of shape {tuple(target.shape)}.'
        )
    if weight is not None and weight.requires_grad and torch.is_grad_enabled():
        raise InputError('weight gets no gradient, but requires one; detach it.')
    if weight is not None and tuple(weight.shape) != (x.shape[1],):
        raise InputError(
            f'weight must have one number for each of the {x.shape[1]} classes, but its shape is {tuple(weight.shape)}.'
        )
