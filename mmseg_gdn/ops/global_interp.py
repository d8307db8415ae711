"""Global interpolation: the learned linear upsampling of the GDN paper, as a pure function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from mmseg_gdn.utils import InputError

from . import native
from .memory import empty_map, spans, tile_bytes
from .precision import is_tracing, product_dtype, sum_dtype, without_autocast

_TILES_PER_CHUNK = 8


def global_interp(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    """Bring every channel to full size: ``y_c = kernel_h @ x_c @ kernel_w.T``.

    Equation (1) of Nekrasov et al., "Global Deconvolutional Networks for Semantic Segmentation"
    (BMVC 2016). The authors' Caffe layer stores the two matrices transposed.

    Args:
        x: Coarse maps, shape (N, C, h, w).
        kernel_h: Maps rows, shape (H, h).
        kernel_w: Maps columns, shape (W, w).

    Returns:
        Full-size maps, shape (N, C, H, W), in the type of ``x`` (under autocast, in autocast's type).

    Raises:
        InputError: If the shapes do not fit each other.

    Example:
        >>> x = torch.ones(1, 21, 16, 12)
        >>> global_interp(x, torch.ones(500, 16), torch.ones(375, 12)).shape
        torch.Size([1, 21, 500, 375])
    """
    check_shapes(x, kernel_h, kernel_w)
    if is_tracing():
        return plain_global_interp(x, kernel_h, kernel_w)
    return _GlobalInterp.apply(x, kernel_h, kernel_w, product_dtype(x))


def plain_global_interp(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    """:func:`global_interp` in two products that every compiler and exporter knows."""
    kernel_h, kernel_w = kernel_h.to(x.dtype), kernel_w.to(x.dtype)
    if rows_first(kernel_h, kernel_w):
        return torch.matmul(torch.matmul(kernel_h, x), kernel_w.t())
    return torch.matmul(kernel_h, torch.matmul(x, kernel_w.t()))


def rows_first(kernel_h: Tensor, kernel_w: Tensor) -> bool:
    """Whether (K_h x) K_w^T takes no more multiplications per channel than K_h (x K_w^T)."""
    (fine_h, coarse_h), (fine_w, coarse_w) = kernel_h.shape, kernel_w.shape
    return fine_h * coarse_w * (coarse_h + fine_w) <= fine_w * coarse_h * (coarse_w + fine_h)


def check_shapes(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> None:
    """Raise an :class:`InputError` if coarse maps and matrices do not fit each other."""
    if x.dim() != 4 or kernel_h.dim() != 2 or kernel_w.dim() != 2:
        raise InputError('global_interp takes x (N, C, h, w), kernel_h (H, h) and kernel_w (W, w), but got '
                         f'{tuple(x.shape)}, {tuple(kernel_h.shape)} and {tuple(kernel_w.shape)}.')
    if (kernel_h.shape[1], kernel_w.shape[1]) != tuple(x.shape[2:]):
        raise InputError(f'The matrices read {kernel_h.shape[1]}x{kernel_w.shape[1]} maps '
                         f'(kernel_h {tuple(kernel_h.shape)}, kernel_w {tuple(kernel_w.shape)}), '
                         f'but x is {x.shape[2]}x{x.shape[3]}; give matrices whose second sides equal those of x.')


class _GlobalInterp(torch.autograd.Function):
    """A few channels at a time, so that what one product makes is in the cache when the next one reads it.

    Autograd's own gradient of a matrix shared by all channels holds one (H, h) or (W, w) gradient per channel
    and then adds them up; here they are added into one as they arise.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.save_for_backward(x, kernel_h, kernel_w)
        ctx.dtype = dtype
        x, kernel_h, kernel_w = x.to(dtype), kernel_h.to(dtype), kernel_w.to(dtype)
        fine = empty_map((*x.shape[:2], len(kernel_h), len(kernel_w)), dtype, x.device)
        by_rows = rows_first(kernel_h, kernel_w)
        if native.serves(x, kernel_h, kernel_w):
            native.product(x, kernel_h, kernel_w, fine, by_rows)
        else:
            _write_product(x.flatten(0, 1), kernel_h, kernel_w, fine.flatten(0, 1), by_rows)
        return fine

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor | None, ...]:
        inputs, needs = ctx.saved_tensors, ctx.needs_input_grad[:3]
        if torch.is_grad_enabled():
            return (*recorded_gradients(plain_global_interp, inputs, needs, grad), None)
        x, kernel_h, kernel_w = (tensor.to(ctx.dtype) for tensor in inputs)
        by_rows = rows_first(kernel_h, kernel_w)
        if native.serves(x, kernel_h, kernel_w, grad):
            gradients = native.product_gradients(x, kernel_h, kernel_w, grad, needs, by_rows)
            return (*in_types_of(inputs, gradients), None)
        maps, grad = x.flatten(0, 1), grad.flatten(0, 1)
        with without_autocast(x):
            if by_rows:
                grad_x, grad_h, grad_w = _gradients(maps, kernel_h, kernel_w, grad, needs)
            else:
                turned_needs = needs[0], needs[2], needs[1]
                grad_x, grad_w, grad_h = _gradients(maps.mT, kernel_w, kernel_h, grad.mT, turned_needs)
                grad_x = None if grad_x is None else grad_x.mT
        grad_x = None if grad_x is None else grad_x.reshape(x.shape)
        return (*in_types_of(inputs, (grad_x, grad_h, grad_w)), None)


def _write_product(maps: Tensor, kernel_h: Tensor, kernel_w: Tensor, fine: Tensor, by_rows: bool) -> None:
    """``fine = kernel_h @ maps @ kernel_w.T``; maps (M, h, w), ``fine`` (M, H, W)."""
    for chunk in spans(len(maps), _maps_per_chunk(fine)):
        each_h, each_w = _each(kernel_h, maps[chunk]), _each(kernel_w.t(), maps[chunk])
        if by_rows:
            torch.bmm(torch.bmm(each_h, maps[chunk]), each_w, out=fine[chunk])
        else:
            torch.bmm(each_h, torch.bmm(maps[chunk], each_w), out=fine[chunk])


def _gradients(maps: Tensor, kernel_h: Tensor, kernel_w: Tensor, grad: Tensor,
               needs: tuple[bool, bool, bool]) -> tuple[Tensor | None, ...]:
    """Gradients of ``kernel_h @ maps @ kernel_w.T`` by rows; maps (M, h, w), ``grad`` (M, H, W)."""
    needs_maps, needs_h, needs_w = needs
    precise = sum_dtype(maps.dtype)
    grad_maps = torch.empty_like(maps) if needs_maps else None
    grad_h = torch.zeros_like(kernel_h, dtype=precise) if needs_h else None
    grad_w = torch.zeros_like(kernel_w.t(), dtype=precise) if needs_w else None
    for chunk in spans(len(maps), _maps_per_chunk(grad)):
        coarse, fine_grad = maps[chunk], grad[chunk]
        if needs_w:
            add_products(grad_w, torch.bmm(_each(kernel_h, coarse), coarse).mT, fine_grad)
        if needs_maps or needs_h:
            grad_rows = torch.bmm(fine_grad, _each(kernel_w, coarse))
        if needs_maps:
            torch.bmm(_each(kernel_h.t(), coarse), grad_rows, out=grad_maps[chunk])
        if needs_h:
            add_products(grad_h, grad_rows, coarse.mT)
    return grad_maps, grad_h, None if grad_w is None else grad_w.t()


def add_products(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add the products of all pairs of matrices, (M, a, b) and (M, b, c), to ``total`` (a, c)."""
    if total.dtype == left.dtype:
        total.addbmm_(left, right)
    else:
        total += torch.bmm(left, right).sum(0, dtype=total.dtype)


def recorded_gradients(function: Callable, inputs: tuple[Tensor, ...], needs: tuple[bool, ...],
                       grad: Tensor) -> tuple[Tensor | None, ...]:
    """Gradients of ``function(*inputs)`` that can be differentiated again; ``None`` where not needed."""
    with torch.enable_grad():
        wanted = [tensor for tensor, need in zip(inputs, needs) if need]
        result = function(*inputs)
        gradients = iter(torch.autograd.grad(result, wanted, grad.to(result.dtype), create_graph=True))
    return tuple(next(gradients) if need else None for need in needs)


def _each(kernel: Tensor, maps: Tensor) -> Tensor:
    """The same matrix for each map, without copies."""
    return kernel.expand(len(maps), -1, -1)


def _maps_per_chunk(fine: Tensor) -> int:
    # One map is a tile already. A few of them give each thread its own, and threads wait for each other less often.
    return _TILES_PER_CHUNK * tile_bytes(fine.device) // max(1, fine[:1].numel() * fine.element_size())


def in_types_of(tensors: Iterable[Tensor], gradients: Iterable[Tensor | None]) -> tuple[Tensor | None, ...]:
    """Gradients in the types of their tensors."""
    return tuple(gradient if gradient is None else gradient.to(tensor.dtype)
                 for tensor, gradient in zip(tensors, gradients))
