"""First and second derivatives of the operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Callable

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from . import plain

_OPERATORS = torch.ops.mmseg_gdn


class _Context(FunctionCtx):
    """What a forward pass keeps for the backward pass; PyTorch makes it."""

    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, ...]
    ignore_index: int
    dtype: torch.dtype | None


def _keep_global_interp(ctx: _Context, inputs: tuple, output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.dtype = output.dtype


def _differentiate_global_interp(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
    inputs, needs = ctx.saved_tensors, ctx.needs_input_grad[:3]
    if torch.is_grad_enabled():
        gradients = _recorded_gradients(
            lambda x, kernel_h, kernel_w: plain.global_interp(x, kernel_h, kernel_w, ctx.dtype), inputs, grad
        )
    else:
        gradients = _OPERATORS.global_interp_backward.default(grad, *inputs, needs, ctx.dtype)
    return *_only_needed(gradients, needs), None


def _keep_cross_entropy_sums(ctx: _Context, inputs: tuple, output: tuple[Tensor, ...]) -> None:
    _, weight, hits, *gradients = output
    ctx.mark_non_differentiable(weight, hits, *gradients)
    ctx.save_for_backward(*inputs[:5], *gradients)
    ctx.ignore_index, ctx.dtype = inputs[5], inputs[8]


def _differentiate_cross_entropy_sums(ctx: _Context, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    saved = ctx.saved_tensors  # read once, because checkpointing computes them anew and allows no second read
    (*inputs, target, weight), gradients = saved[:5], saved[5:]
    needs = ctx.needs_input_grad[:3]
    if torch.is_grad_enabled():

        def loss(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
            return plain.cross_entropy_losses(x, kernel_h, kernel_w, target, weight, ctx.ignore_index, ctx.dtype).sum()

        gradients = _recorded_gradients(loss, inputs, grad)
    elif any(need and gradient.shape != tensor.shape for need, gradient, tensor in zip(needs, gradients, inputs)):
        # Inside vmap, the forward pass does not see which inputs need gradients.
        gradients = _OPERATORS.cross_entropy_losses_backward.default(
            grad.expand(target.shape), *inputs, target, weight, ctx.ignore_index, needs, ctx.dtype
        )
    else:
        gradients = tuple((gradient * grad).to(tensor.dtype) for gradient, tensor in zip(gradients, inputs))
    return *_only_needed(gradients, needs), *[None] * 6


def _keep_cross_entropy_losses(ctx: _Context, inputs: tuple, output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:5])
    ctx.ignore_index, ctx.dtype = inputs[5:]


def _differentiate_cross_entropy_losses(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
    *inputs, target, weight = ctx.saved_tensors
    needs = ctx.needs_input_grad[:3]
    if torch.is_grad_enabled():

        def losses(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
            return plain.cross_entropy_losses(x, kernel_h, kernel_w, target, weight, ctx.ignore_index, ctx.dtype)

        gradients = _recorded_gradients(losses, inputs, grad)
    else:
        gradients = _OPERATORS.cross_entropy_losses_backward.default(
            grad, *inputs, target, weight, ctx.ignore_index, needs, ctx.dtype
        )
    return *_only_needed(gradients, needs), *[None] * 4


def _recorded_gradients(function: Callable[..., Tensor], inputs: Sequence[Tensor], grad: Tensor) -> tuple[Tensor, ...]:
    """Gradients that can be differentiated again; this takes the memory of the full-size scores."""
    result, backward = torch.func.vjp(function, *inputs)[:2]
    return backward(grad.to(result.dtype))


def _only_needed(gradients: Iterable[Tensor], needs: tuple[bool, ...]) -> tuple[Tensor | None, ...]:
    return tuple(gradient if need else None for gradient, need in zip(gradients, needs))


DERIVATIVES: dict[str, tuple[Callable, Callable]] = {
    'global_interp': (_keep_global_interp, _differentiate_global_interp),
    'cross_entropy_sums': (_keep_cross_entropy_sums, _differentiate_cross_entropy_sums),
    'cross_entropy_losses': (_keep_cross_entropy_losses, _differentiate_cross_entropy_losses),
}
