"""Cross-entropy of globally interpolated scores, without the full-size scores."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

from mmseg_gdn.utils import InputError

from .band_softmax import PixelOptions
from .global_interp import check_shapes, in_types_of, plain_global_interp, recorded_gradients, rows_first
from .precision import is_tracing, product_dtype, sum_dtype, without_autocast
from .tiled_cross_entropy import tiled_cross_entropy

_REDUCTIONS = ('mean', 'sum', 'none')
_NORMALIZATIONS = ('full', 'valid', 'batch_size', 'none')


class CrossEntropySums(NamedTuple):
    """Sums over the valid pixels, as scalars.

    Attributes:
        loss: Of the weighted losses; differentiable.
        weight: Of the weights of the pixels' classes.
        hits: Number of pixels whose best class is the target's.
    """

    loss: Tensor
    weight: Tensor
    hits: Tensor


def cross_entropy_sums(x: Tensor,
                       kernel_h: Tensor,
                       kernel_w: Tensor,
                       target: Tensor,
                       *,
                       weight: Tensor | None = None,
                       ignore_index: int = 255,
                       max_loss: float | None = None) -> CrossEntropySums:
    """What any normalization of the cross-entropy of ``global_interp(x, kernel_h, kernel_w)`` is computed from.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h).
        kernel_w: Maps columns, shape (W, w).
        target: Class indices, shape (N, H, W), any integer type.
        weight: Weight of each class, shape (C,).
        ignore_index: Label of pixels that do not count.
        max_loss: Largest loss of a pixel, before its weight; the gradient is that of the unbounded loss. Caffe's
            is ``-log(FLT_MIN)``.

    Returns:
        The sums, in float32 at least.

    Raises:
        InputError: If shapes, types or labels are wrong.
    """
    _check(x, kernel_h, kernel_w, target, weight, 'sum', None)
    options = PixelOptions(weight, ignore_index, max_loss, count_hits=True)
    compute = _plain if is_tracing() else _tiled
    return CrossEntropySums(*compute(x, kernel_h, kernel_w, target, options, 'sum'))


def global_interp_cross_entropy(x: Tensor,
                                kernel_h: Tensor,
                                kernel_w: Tensor,
                                target: Tensor,
                                *,
                                weight: Tensor | None = None,
                                ignore_index: int = 255,
                                reduction: Literal['mean', 'sum', 'none'] = 'mean',
                                normalization: Literal['full', 'valid', 'batch_size', 'none'] | None = None,
                                max_loss: float | None = None,
                                return_accuracy: bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """``F.cross_entropy(global_interp(x, kernel_h, kernel_w), target, ...)`` with little time and memory.

    Full-size scores are made a tile of rows at a time. For 'mean' and 'sum' the forward pass makes the gradients of
    all three inputs as well, so that no tile is made twice; they are coarse and small.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h).
        kernel_w: Maps columns, shape (W, w).
        target: Class indices, shape (N, H, W), any integer type.
        weight: Weight of each class, shape (C,).
        ignore_index: Label of pixels that do not count.
        reduction: ``'mean'`` (divided by the sum of the valid pixels' weights; nan if there are none), ``'sum'`` or
            ``'none'``, as in ``F.cross_entropy``.
        normalization: Caffe's divisor of the sum, in place of ``reduction='mean'``: ``'full'``, all pixels;
            ``'valid'``, those that are not ignored, at least 1; ``'batch_size'``, the images; ``'none'``.
        max_loss: Largest loss of a pixel, before its weight. Gradients know nothing of it; Caffe's is
            ``-log(FLT_MIN)``.
        return_accuracy: Also give the percentage of valid pixels whose best class is the target's (0 if there
            are none), which costs next to nothing.

    Returns:
        Scalar loss, or losses (N, H, W) for ``reduction='none'``, in float32 at least. With ``return_accuracy`` a
        pair of this and a scalar.

    Raises:
        InputError: If shapes, types, labels or options are wrong.

    Example:
        >>> x, target = torch.zeros(1, 21, 16, 16), torch.zeros(1, 500, 500, dtype=torch.long)
        >>> global_interp_cross_entropy(x, torch.ones(500, 16), torch.ones(500, 16), target)
        tensor(3.0445)
    """
    _check(x, kernel_h, kernel_w, target, weight, reduction, normalization)
    options = PixelOptions(weight, ignore_index, max_loss, return_accuracy)
    if is_tracing():
        loss, weights, hits = _plain(x, kernel_h, kernel_w, target, options, reduction)
    else:
        loss, weights, hits = _tiled(x, kernel_h, kernel_w, target, options, reduction)
    if reduction == 'mean':
        loss = _mean(loss, weights) if normalization is None else loss / _divisor(normalization, target, ignore_index)
    if not return_accuracy:
        return loss
    return loss, 100 * hits / (target != ignore_index).sum().clamp(min=1)


def _tiled(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, options: PixelOptions,
           reduction: str) -> tuple[Tensor, Tensor, Tensor]:
    """Loss (summed, or per pixel), sum of the weights, and number of hits."""
    if not rows_first(kernel_h, kernel_w):
        turned = _tiled_by_rows(x.mT, kernel_w, kernel_h, target.mT, options, reduction)
        return turned[0].mT if reduction == 'none' else turned[0], turned[1], turned[2]
    return _tiled_by_rows(x, kernel_h, kernel_w, target, options, reduction)


def _tiled_by_rows(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, options: PixelOptions,
                   reduction: str) -> tuple[Tensor, Tensor, Tensor]:
    function = _PixelLosses if reduction == 'none' else _SummedLoss
    return function.apply(x, kernel_h, kernel_w, target, options, product_dtype(x), torch.is_grad_enabled())


class _SummedLoss(torch.autograd.Function):
    """Makes the gradients in the forward pass and scales them in the backward pass."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor,
                options: PixelOptions, dtype: torch.dtype, with_gradients: bool) -> tuple[Tensor, Tensor, Tensor]:
        inputs = x, kernel_h, kernel_w
        needs = tuple(with_gradients and need for need in ctx.needs_input_grad[:3])
        with without_autocast(x):
            totals = tiled_cross_entropy(x, kernel_h.to(dtype), kernel_w.to(dtype), target, options, needs=needs)
        ctx.save_for_backward(*inputs, target, totals.grad_x, totals.grad_kernel_h, totals.grad_kernel_w)
        ctx.options = options
        ctx.mark_non_differentiable(totals.weight, totals.hits)
        return totals.loss, totals.weight, totals.hits

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        (*inputs, target), gradients = ctx.saved_tensors[:4], ctx.saved_tensors[4:]
        if torch.is_grad_enabled():
            gradients = _recorded(inputs, target, ctx.options, 'sum', ctx.needs_input_grad[:3], grad)
        else:
            scaled = (gradient if gradient is None else gradient * grad for gradient in gradients)
            gradients = in_types_of(inputs, scaled)
        return (*gradients, None, None, None, None)


class _PixelLosses(torch.autograd.Function):
    """Makes the tiles again in the backward pass, when the gradient of each pixel's loss is known."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor,
                options: PixelOptions, dtype: torch.dtype, _: bool) -> tuple[Tensor, Tensor, Tensor]:
        losses = x.new_empty(target.shape, dtype=sum_dtype(dtype))
        with without_autocast(x):
            totals = tiled_cross_entropy(x, kernel_h.to(dtype), kernel_w.to(dtype), target, options, losses=losses)
        ctx.save_for_backward(x, kernel_h, kernel_w, target)
        ctx.options, ctx.dtype = options, dtype
        ctx.mark_non_differentiable(totals.weight, totals.hits)
        return losses, totals.weight, totals.hits

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        *inputs, target = ctx.saved_tensors
        needs = ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():
            gradients = _recorded(inputs, target, ctx.options, 'none', needs, grad)
        else:
            x, kernel_h, kernel_w = inputs
            with without_autocast(x):
                totals = tiled_cross_entropy(x, kernel_h.to(ctx.dtype), kernel_w.to(ctx.dtype), target,
                                             ctx.options._replace(count_hits=False), needs=needs, grad_losses=grad)
            gradients = in_types_of(inputs, (totals.grad_x, totals.grad_kernel_h, totals.grad_kernel_w))
        return (*gradients, None, None, None, None)


def _recorded(inputs: list[Tensor], target: Tensor, options: PixelOptions, reduction: str,
              needs: tuple[bool, ...], grad: Tensor) -> tuple[Tensor | None, ...]:
    """Gradients that can be differentiated again; this takes the memory of the full-size scores."""
    def plain_loss(*inputs: Tensor) -> Tensor:
        return _plain(*inputs, target, options, reduction)[0]

    return recorded_gradients(plain_loss, tuple(inputs), needs, grad)


def _plain(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, options: PixelOptions,
           reduction: str) -> tuple[Tensor, Tensor, Tensor]:
    """The same from the full-size scores, for compilers and for second derivatives."""
    scores = plain_global_interp(x, kernel_h, kernel_w)
    scores = scores.to(sum_dtype(scores.dtype))
    target = target.long()
    losses = F.cross_entropy(scores, target, reduction='none', ignore_index=options.ignore_index)
    if options.max_loss is not None:
        losses = losses.detach().clamp(max=options.max_loss) + (losses - losses.detach())
    valid = target != options.ignore_index
    weights = valid.to(losses.dtype)
    if options.class_weight is not None:
        weights = weights * options.class_weight.to(losses.dtype)[target.where(valid, 0)]
        losses = losses * weights
    hits = (scores.argmax(1) == target) & valid
    return losses if reduction == 'none' else losses.sum(), weights.sum(), hits.sum()


def _mean(loss: Tensor, weights: Tensor) -> Tensor:
    """The quotient; where nothing counts nan with a gradient of 0, as in ``F.cross_entropy``."""
    nothing = weights == 0
    return (loss / weights.masked_fill(nothing, 1)).masked_fill(nothing, float('nan'))


def _divisor(normalization: str, target: Tensor, ignore_index: int) -> Tensor | int:
    if normalization == 'valid':
        return (target != ignore_index).sum().clamp(min=1)
    return {'full': max(1, target.numel()), 'batch_size': max(1, len(target)), 'none': 1}[normalization]


def _check(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, weight: Tensor | None, reduction: str,
           normalization: str | None) -> None:
    check_shapes(x, kernel_h, kernel_w)
    wanted = (len(x), len(kernel_h), len(kernel_w))
    if tuple(target.shape) != wanted or target.dtype.is_floating_point or target.dtype.is_complex:
        raise InputError(f'The target holds class indices in the shape (N, H, W), here {wanted}, '
                         f'but got {target.dtype} of shape {tuple(target.shape)}.')
    if weight is not None and tuple(weight.shape) != (x.shape[1], ):
        raise InputError(f'weight holds one number for each of the {x.shape[1]} classes, '
                         f'but its shape is {tuple(weight.shape)}.')
    if reduction not in _REDUCTIONS:
        raise InputError(f'reduction is one of {", ".join(map(repr, _REDUCTIONS))}, but got {reduction!r}.')
    if normalization is not None and (normalization not in _NORMALIZATIONS or reduction != 'mean'):
        raise InputError(f"normalization is one of {', '.join(map(repr, _NORMALIZATIONS))} and goes with "
                         f"reduction='mean', but got {normalization!r} with reduction={reduction!r}.")
