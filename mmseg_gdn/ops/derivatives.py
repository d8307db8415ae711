"""First and second derivatives of the operators."""

from __future__ import annotations

from typing import Callable

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from . import plain

_OPERATORS = torch.ops.mmseg_gdn


def _keep_global_interp(ctx: FunctionCtx, inputs: tuple, output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:3])
    ctx.dtype = output.dtype


def _differentiate_global_interp(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
    inputs, needs = ctx.saved_tensors, ctx.needs_input_grad[:3]
    if torch.is_grad_enabled():
        gradients = _recorded_gradients(lambda *inputs: plain.global_interp(*inputs, ctx.dtype), inputs, grad)
    else:
        gradients = _OPERATORS.global_interp_backward.default(grad, *inputs, needs, ctx.dtype)
    return *_only_needed(gradients, needs), None


def _keep_cross_entropy_sums(ctx: FunctionCtx, inputs: tuple, output: tuple[Tensor, ...]) -> None:
    _, weight, hits, *gradients = output
    ctx.mark_non_differentiable(weight, hits, *gradients)
    ctx.save_for_backward(*inputs[:5], *gradients)
    ctx.ignore_index, ctx.dtype = inputs[5], inputs[8]


def _differentiate_cross_entropy_sums(ctx: FunctionCtx, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    saved = ctx.saved_tensors  # read once, because checkpointing computes them anew and allows no second read
    (*inputs, target, weight), gradients = saved[:5], saved[5:]
    needs = ctx.needs_input_grad[:3]
    if torch.is_grad_enabled():
        def loss(*inputs: Tensor) -> Tensor:
            return plain.cross_entropy_losses(*inputs, target, weight, ctx.ignore_index, ctx.dtype).sum()

        gradients = _recorded_gradients(loss, inputs, grad)
    elif any(need and gradient.shape != tensor.shape for need, gradient, tensor in zip(needs, gradients, inputs)):
        # Inside vmap, the forward pass does not see which inputs need gradients.
        gradients = _OPERATORS.cross_entropy_losses_backward.default(
            grad.expand(target.shape), *inputs, target, weight, ctx.ignore_index, needs, ctx.dtype)
    else:
        gradients = [(gradient * grad).to(tensor.dtype) for gradient, tensor in zip(gradients, inputs)]
    return *_only_needed(gradients, needs), *[None] * 6


def _keep_cross_entropy_losses(ctx: FunctionCtx, inputs: tuple, output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:5])
    ctx.ignore_index, ctx.dtype = inputs[5:]


def _differentiate_cross_entropy_losses(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
    *inputs, target, weight = ctx.saved_tensors
    needs = ctx.needs_input_grad[:3]
    if torch.is_grad_enabled():
        def losses(*inputs: Tensor) -> Tensor:
            return plain.cross_entropy_losses(*inputs, target, weight, ctx.ignore_index, ctx.dtype)

        gradients = _recorded_gradients(losses, inputs, grad)
    else:
        gradients = _OPERATORS.cross_entropy_losses_backward.default(
            grad, *inputs, target, weight, ctx.ignore_index, needs, ctx.dtype)
    return *_only_needed(gradients, needs), *[None] * 4


def _recorded_gradients(function: Callable[..., Tensor], inputs: list[Tensor], grad: Tensor) -> tuple[Tensor, ...]:
    """Gradients that can be differentiated again; this takes the memory of the full-size scores."""
    result, backward = torch.func.vjp(function, *inputs)
    return backward(grad.to(result.dtype))


def _only_needed(gradients: list[Tensor], needs: tuple[bool, ...]) -> tuple[Tensor | None, ...]:
    return tuple(gradient if need else None for gradient, need in zip(gradients, needs))


DERIVATIVES = {
    'global_interp': (_keep_global_interp, _differentiate_global_interp),
    'cross_entropy_sums': (_keep_cross_entropy_sums, _differentiate_cross_entropy_sums),
    'cross_entropy_losses': (_keep_cross_entropy_losses, _differentiate_cross_entropy_losses),
}
