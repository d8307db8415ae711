"""Floating point operations of the operators' products, from the shapes of their arguments."""

from __future__ import annotations

from typing import Callable

Shape = tuple[int, ...]


def _global_interp(x: Shape, kernel_h: Shape, kernel_w: Shape, *_: object, **__: object) -> int:
    return _forward(x, kernel_h, kernel_w)


def _global_interp_backward(
    grad: Shape, x: Shape, kernel_h: Shape, kernel_w: Shape, needs: tuple[bool, ...], *_: object, **__: object
) -> int:
    return _backward(x, kernel_h, kernel_w, needs)


def _cross_entropy_sums(
    x: Shape,
    kernel_h: Shape,
    kernel_w: Shape,
    target: Shape,
    weight: Shape | None,
    ignore_index: int,
    max_loss: float | None,
    needs: tuple[bool, ...],
    *_: object,
    **__: object,
) -> int:
    return _forward(x, kernel_h, kernel_w) + _backward(x, kernel_h, kernel_w, needs)


def _cross_entropy_losses_backward(
    grad: Shape,
    x: Shape,
    kernel_h: Shape,
    kernel_w: Shape,
    target: Shape,
    weight: Shape | None,
    ignore_index: int,
    needs: tuple[bool, ...],
    *_: object,
    **__: object,
) -> int:
    return _forward(x, kernel_h, kernel_w) + _backward(x, kernel_h, kernel_w, needs)


def _forward(x: Shape, kernel_h: Shape, kernel_w: Shape) -> int:
    return sum(_products(x, kernel_h, kernel_w))


def _backward(x: Shape, kernel_h: Shape, kernel_w: Shape, needs: tuple[bool, ...]) -> int:
    small, large = _products(x, kernel_h, kernel_w)
    first, second = (needs[0] or needs[1], needs[2])
    return (needs[0] + needs[1]) * small + (first + second) * large


def _products(x: Shape, kernel_h: Shape, kernel_w: Shape) -> tuple[int, int]:
    """The product at the coarse and the one at the full size, in the cheaper order."""
    (n, classes, h, w), fine_h, fine_w = x, kernel_h[0], kernel_w[0]
    rows_first = fine_h * h * w, fine_h * w * fine_w
    columns_first = fine_w * w * h, fine_w * h * fine_h
    small, large = min(rows_first, columns_first, key=sum)
    return 2 * n * classes * small, 2 * n * classes * large


FLOPS: dict[str, Callable[..., int]] = {
    'global_interp': _global_interp,
    'global_interp_backward': _global_interp_backward,
    'global_interp_argmax': _global_interp,
    'cross_entropy_sums': _cross_entropy_sums,
    'cross_entropy_losses': _global_interp,
    'cross_entropy_losses_backward': _cross_entropy_losses_backward,
}
