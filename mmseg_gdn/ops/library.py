"""The operators, registered with PyTorch's dispatcher so that compilers, exporters, vmap and counters see them.

An implementation is a module with one function per operator. One for another device is one more line in
``_IMPLEMENTATIONS``; devices without an implementation of their own use :mod:`.reference`.
"""

from __future__ import annotations

from typing import Any, Callable

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils.flop_counter import register_flop_formula

from . import cpu, cuda, reference
from .checks import Needs, precise_dtype
from .derivatives import DERIVATIVES
from .flops import FLOPS

# ``dtype`` is the type to compute products in, by default that of ``x``. Gradients that ``needs`` does not request are
# empty; it is a list of integers because torch.jit.trace accepts no lists of booleans.
_SCHEMAS = (
    # kernel_h @ x_c @ kernel_w.T of each channel c, in the type ``dtype``
    'global_interp(Tensor x, Tensor kernel_h, Tensor kernel_w, ScalarType? dtype) -> Tensor',
    'global_interp_backward(Tensor grad, Tensor x, Tensor kernel_h, Tensor kernel_w, int[3] needs, ScalarType? dtype) '
    '-> (Tensor, Tensor, Tensor)',
    # the class with the largest score, the lowest one if scores are equal, int64
    'global_interp_argmax(Tensor x, Tensor kernel_h, Tensor kernel_w, ScalarType? dtype) -> Tensor',
    # sums over the valid pixels of weighted losses, weights and hits; and the gradients of the first sum, at least
    # float32, because the scores exist only in the forward pass
    'cross_entropy_sums(Tensor x, Tensor kernel_h, Tensor kernel_w, Tensor target, Tensor? weight, int ignore_index, '
    'float? max_loss, int[3] needs, ScalarType? dtype) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)',
    # the weighted loss of each pixel, at least float32
    'cross_entropy_losses(Tensor x, Tensor kernel_h, Tensor kernel_w, Tensor target, Tensor? weight, '
    'int ignore_index, ScalarType? dtype) -> Tensor',
    'cross_entropy_losses_backward(Tensor grad, Tensor x, Tensor kernel_h, Tensor kernel_w, Tensor target, '
    'Tensor? weight, int ignore_index, int[3] needs, ScalarType? dtype) -> (Tensor, Tensor, Tensor)',
)
_IMPLEMENTATIONS = {'CompositeExplicitAutograd': reference, 'CPU': cuda if cuda.INTERPRETED else cpu, 'CUDA': cuda}
_AUTOCAST_KEYS = [
    f'Autocast{device}'
    for device in ('CPU', 'CUDA', 'XPU', 'MPS', 'PrivateUse1')
    if hasattr(torch._C.DispatchKey, f'Autocast{device}')
]  # torch 2.4 has none for MPS

_library = torch.library.Library('mmseg_gdn', 'DEF')


def _fake_global_interp(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None) -> Tensor:
    return x.new_empty((*x.shape[:2], kernel_h.shape[0], kernel_w.shape[0]), dtype=dtype or x.dtype)


def _fake_global_interp_backward(
    grad: Tensor, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, needs: Needs, dtype: torch.dtype | None
) -> tuple[Tensor, ...]:
    return _empty_gradients((x, kernel_h, kernel_w), needs)


def _fake_global_interp_argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None) -> Tensor:
    return x.new_empty((x.shape[0], kernel_h.shape[0], kernel_w.shape[0]), dtype=torch.int64)


def _fake_cross_entropy_sums(
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
    precise = precise_dtype(dtype or x.dtype)
    sums = (x.new_empty((), dtype=sum_dtype) for sum_dtype in (precise, precise, torch.int64))
    return *sums, *_empty_gradients((x, kernel_h, kernel_w), needs, precise)


def _fake_cross_entropy_losses(
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    dtype: torch.dtype | None,
) -> Tensor:
    return x.new_empty(target.shape, dtype=precise_dtype(dtype or x.dtype))


def _fake_cross_entropy_losses_backward(
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
    return _empty_gradients((x, kernel_h, kernel_w), needs)


def _empty_gradients(inputs: tuple[Tensor, ...], needs: Needs, dtype: torch.dtype | None = None) -> tuple[Tensor, ...]:
    return tuple(tensor.new_empty(tensor.shape if need else 0, dtype=dtype) for tensor, need in zip(inputs, needs))


def _with_autocast(operator: OpOverload) -> Callable:
    def compute_in_the_type_of_autocast(x: Tensor, *arguments: Any) -> Tensor | tuple[Tensor, ...]:
        *others, dtype = arguments
        if dtype is None:
            dtype = torch.float64 if x.dtype == torch.float64 else torch.get_autocast_dtype(x.device.type)
        with torch.autocast(x.device.type, enabled=False):
            return operator(x, *others, dtype)

    return compute_in_the_type_of_autocast


def _with_vmap(operator: OpOverload) -> Callable:
    def one_after_the_other(info: Any, in_dims: tuple, *arguments: Any) -> tuple:
        results = [
            operator(
                *(
                    argument.select(dim, index) if isinstance(dim, int) else argument
                    for argument, dim in zip(arguments, in_dims)
                )
            )
            for index in range(info.batch_size)
        ]
        if isinstance(results[0], Tensor):
            return torch.stack(results), 0
        return tuple(torch.stack(parts) for parts in zip(*results)), (0,) * len(results[0])

    return one_after_the_other


def _define(schema: str) -> OpOverload:
    name = schema.split('(')[0]
    _library.define(schema, tags=(torch.Tag.pt2_compliant_tag,))
    packet = getattr(torch.ops.mmseg_gdn, name)
    operator = packet.default
    for key, implementation in _IMPLEMENTATIONS.items():
        _library.impl(name, getattr(implementation, name), key)
    for key in _AUTOCAST_KEYS:
        _library.impl(name, _with_autocast(operator), key)
    torch.library.register_fake(operator, globals()[f'_fake_{name}'], lib=_library)
    if hasattr(torch.library, 'register_vmap'):  # from torch 2.5 on
        torch.library.register_vmap(operator, _with_vmap(operator), lib=_library)
    if name in DERIVATIVES:
        setup_context, backward = DERIVATIVES[name]
        torch.library.register_autograd(operator, backward, setup_context=setup_context, lib=_library)
    register_flop_formula(packet)(FLOPS[name])
    return operator


(
    global_interp,
    global_interp_backward,
    global_interp_argmax,
    cross_entropy_sums,
    cross_entropy_losses,
    cross_entropy_losses_backward,
) = map(_define, _SCHEMAS)
