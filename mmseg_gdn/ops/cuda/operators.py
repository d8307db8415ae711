"""The operators in Triton's kernels; what these do not serve goes to :mod:`mmseg_gdn.ops.reference`."""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any, Callable

import torch
from torch import Tensor

from .. import reference
from ..checks import Needs
from . import switch

global_interp_backward = reference.global_interp_backward  # nothing but large products, which PyTorch does best


def _or_by_reference(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the reference compute what the kernels do not serve, and everything once they could not be compiled."""
    name = function.__name__
    fallback = getattr(reference, name)

    @functools.wraps(function)
    def compute(*arguments: Any) -> Any:
        tensors = [argument for argument in arguments if isinstance(argument, Tensor)]
        x = tensors[1] if name.endswith('_backward') else tensors[0]
        if _serves(name, arguments[-1] or x.dtype, tensors):
            try:
                with torch.cuda.device_of(x):
                    return function(*arguments)
            except torch.cuda.OutOfMemoryError:
                raise
            except Exception as error:  # compilers raise whatever they like
                switch.give_up(error)
        return fallback(*arguments)

    return compute


def _serves(name: str, dtype: torch.dtype, tensors: list[Tensor]) -> bool:
    device = tensors[0].device
    return (all(tensor.numel() > 0 and tensor.device == device for tensor in tensors)
            and switch.is_on(name, dtype, device))


def _in_type(dtype: torch.dtype | None, x: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.to(dtype or x.dtype) for tensor in (x, *others))


def _kernels(module: str) -> Any:
    """Imported where they are used, because Triton is optional."""
    return import_module(f'.{module}', __package__)


@_or_by_reference
def global_interp(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Full-size maps."""
    product = _kernels('product')
    if kernel_w.shape[1] > product.WIDEST:
        return reference.global_interp(x, kernel_h, kernel_w, dtype)
    return product.product(*_in_type(dtype, x, kernel_h, kernel_w))


@_or_by_reference
def global_interp_argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Best class of each pixel."""
    return _kernels('argmax').argmax(*_in_type(dtype, x, kernel_h, kernel_w))


@_or_by_reference
def cross_entropy_sums(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, weight: Tensor | None,
                       ignore_index: int, max_loss: float | None, needs: Needs,
                       dtype: torch.dtype | None) -> tuple[Tensor, ...]:
    """Sums over pixels, and the gradients of the sum of the losses, at least float32."""
    inputs = _in_type(dtype, x, kernel_h, kernel_w)
    return _kernels('cross_entropy').cross_entropy(*inputs, target, weight, ignore_index, max_loss, needs)[1:]


@_or_by_reference
def cross_entropy_losses(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, weight: Tensor | None,
                         ignore_index: int, dtype: torch.dtype | None) -> Tensor:
    """Loss of each pixel."""
    inputs, nothing = _in_type(dtype, x, kernel_h, kernel_w), (False, False, False)
    return _kernels('cross_entropy').cross_entropy(*inputs, target, weight, ignore_index, None, nothing,
                                                   with_losses=True).losses


@_or_by_reference
def cross_entropy_losses_backward(grad: Tensor, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor,
                                  weight: Tensor | None, ignore_index: int, needs: Needs,
                                  dtype: torch.dtype | None) -> tuple[Tensor, ...]:
    """Gradients of :func:`cross_entropy_losses`; the scores are computed again."""
    inputs = x, kernel_h, kernel_w
    result = _kernels('cross_entropy').cross_entropy(*_in_type(dtype, *inputs), target, weight, ignore_index, None,
                                                     needs, grad_losses=grad)
    gradients = result.grad_x, result.grad_kernel_h, result.grad_kernel_w
    return tuple(gradient.to(tensor.dtype) for gradient, tensor in zip(gradients, inputs))
