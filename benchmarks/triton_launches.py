"""What the Triton kernels would be launched with, on a machine without a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from cases import Case
from torch.utils.flop_counter import FlopCounterMode
from triton.runtime.jit import JITFunction

from mmseg_gdn.ops.cuda import argmax, cross_entropy, product

OPERATORS = 'loss with gradients', 'argmax', 'full-size scores'


class Launch(NamedTuple):
    """A kernel, its programs and its arguments by name; tensors have no values."""

    kernel: JITFunction
    grid: tuple[int, ...]
    arguments: dict[str, Any]


class Plan(NamedTuple):
    """What an operator does for a case.

    Attributes:
        launches: Of kernels, in order.
        small_flops: Of the products that PyTorch makes.
    """

    launches: list[Launch]
    small_flops: int


def plan(operator: str, case: Case, dtype: torch.dtype) -> Plan:
    """Run an operator on tensors that have no values.

    Args:
        operator: One of ``OPERATORS``.
        case: The shapes.
        dtype: Of the products.

    Returns:
        What it would do on a GPU.
    """
    with torch.device('meta'), _recorded() as launches, FlopCounterMode(display=False) as counter:
        x = torch.empty(case.n, case.classes, case.h, case.w, dtype=dtype)
        kernels = torch.empty(case.fine_h, case.h, dtype=dtype), torch.empty(case.fine_w, case.w, dtype=dtype)
        target = torch.empty(case.n, case.fine_h, case.fine_w, dtype=torch.int64)
        if operator == 'loss with gradients':
            cross_entropy.cross_entropy(x, *kernels, target, None, 255, None, (True, True, True))
        elif operator == 'argmax':
            argmax.argmax(x, *kernels)
        else:
            product.product(x, *kernels)
    return Plan(launches, counter.get_total_flops())


def tiles_flops(launch: Launch) -> int:
    """Floating point operations of the products of a launch, with those of empty lanes."""
    value = launch.arguments
    if launch.kernel is product._product_kernel:
        rows = launch.grid[0] * launch.grid[1] * value['ROWS']
        first = _filled(value['coarse_h'], value['DEPTH'])
        return 2 * rows * value['CELLS'] * (first + _filled(value['fine_w'], value['COLUMNS']))
    lines = launch.arguments['half_way'].shape[0]
    pixels, classes = _filled(value['fine_w'], value['PIXELS']), _filled(value['classes'], value['CLASSES'])
    width = value['CELLS'] * value['CELL_TILES']
    one = 2 * lines * pixels * classes * width
    if launch.kernel.__name__ in ('_softmax_kernel', '_argmax_kernel'):
        return one
    return one * value['CELL_TILES'] + one  # the scores for each tile of cells, and the product back


def tensor_bytes(launch: Launch) -> int:
    """Bytes of all tensors of a launch, each once."""
    tensors = {id(value): value for value in launch.arguments.values() if isinstance(value, torch.Tensor)}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


@contextmanager
def _recorded() -> Iterator[list[Launch]]:
    launches, run = [], JITFunction.run

    def record(self: JITFunction, *args: object, grid: tuple[int, ...], warmup: bool, **options: object) -> None:
        arguments = dict(zip(self.arg_names, args), **options)
        launches.append(Launch(self, grid, arguments))

    JITFunction.run = record
    try:
        yield launches
    finally:
        JITFunction.run = run


def _filled(length: int, side: int) -> int:
    return -(-length // side) * side
