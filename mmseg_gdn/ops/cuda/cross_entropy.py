"""Cross-entropy and its gradients: small products by PyTorch, what has the size of pixels by kernels.

The product with ``kernel_h`` makes rows at full height and coarse width. A chunk of them at a time is all that is
kept beside a few numbers per pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ..checks import Needs, precise_dtype, rows_first
from ..reference import CrossEntropy, spans
from . import gradients, softmax

_CHUNK_BYTES = 64 << 20  # of rows at full height, their gradients and the numbers per pixel
_PROGRAMS = 512  # that share the gradient of kernel_w, a few for each multiprocessor of a large GPU
_LABEL_TYPES = torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64


class Inputs(NamedTuple):
    """Arguments of :func:`cross_entropy`, with ``kernel_h`` the matrix to multiply by first."""

    x: Tensor
    kernel_h: Tensor
    kernel_w: Tensor
    target: Tensor
    weight: Tensor | None
    ignore_index: int
    max_loss: float | None
    needs: Needs
    grad_losses: Tensor | None


def cross_entropy(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor, weight: Tensor | None,
                  ignore_index: int, max_loss: float | None, needs: Needs, *, with_losses: bool = False,
                  grad_losses: Tensor | None = None) -> CrossEntropy:
    """Losses, sums and gradients, as :mod:`mmseg_gdn.ops.reference` computes them.

    Args:
        x: Coarse scores, shape (N, C, h, w).
        kernel_h: Shape (H, h), in the type of ``x``.
        kernel_w: Shape (W, w), in the type of ``x``.
        target: Class indices, shape (N, H, W). A label that is neither a class nor ``ignore_index`` makes the loss nan.
        weight: Weight of each class, shape (C,).
        ignore_index: Label of pixels that do not count.
        max_loss: Upper bound of a loss before its weight.
        needs: Which gradients are wanted.
        with_losses: Whether the loss of each pixel is wanted.
        grad_losses: Gradient with respect to the loss of each pixel, shape (N, H, W); 1 if missing.

    Returns:
        The results; what is not wanted is empty.
    """
    if rows_first(kernel_h, kernel_w):
        return _by_rows(Inputs(x, kernel_h, kernel_w, target, weight, ignore_index, max_loss, needs, grad_losses),
                        with_losses)
    turned = Inputs(x.mT, kernel_w, kernel_h, target.mT, weight, ignore_index, max_loss,
                    (needs[0], needs[2], needs[1]), None if grad_losses is None else grad_losses.mT)
    losses, loss, weights, hits, grad_x, grad_w, grad_h = _by_rows(turned, with_losses)
    return CrossEntropy(losses.mT.contiguous() if with_losses else losses, loss, weights, hits,
                        grad_x.mT.contiguous() if needs[0] else grad_x, grad_h, grad_w)


def _by_rows(inputs: Inputs, with_losses: bool) -> CrossEntropy:
    precise, target = precise_dtype(inputs.x.dtype), inputs.target
    inputs = inputs._replace(
        x=inputs.x.contiguous(), kernel_h=inputs.kernel_h.contiguous(), kernel_w=inputs.kernel_w.contiguous(),
        target=target if target.dtype in _LABEL_TYPES else target.long(),
        weight=None if inputs.weight is None else inputs.weight.to(precise).contiguous())
    losses = inputs.x.new_empty(target.shape if with_losses else 0, dtype=precise)
    sums, grads = [], _Gradients(inputs, precise)
    for images, rows in _chunks(inputs, with_losses):
        coarse = inputs.x[images].permute(2, 0, 1, 3).flatten(1)
        half_way = torch.mm(inputs.kernel_h[rows], coarse).view(-1, *inputs.x.shape[1::2])
        lines = softmax.Lines(half_way, inputs.kernel_w, _of_chunk(target, images, rows), inputs.ignore_index)
        pixels = len(half_way), len(inputs.kernel_w)
        statistics = inputs.x.new_empty(3, *pixels, dtype=precise) if any(inputs.needs) else None
        chunk_losses = inputs.x.new_empty(pixels, dtype=precise) if with_losses else None
        grad_losses = inputs.grad_losses
        if grad_losses is not None:
            grad_losses = _of_chunk(grad_losses, images, rows).to(precise).reshape(pixels).contiguous()
        sums.append(softmax.write_losses(lines, inputs.weight, grad_losses, inputs.max_loss, chunk_losses, statistics))
        if chunk_losses is not None:
            part = _of_chunk(losses, images, rows)
            part.copy_(chunk_losses.view(part.shape))
        if statistics is not None:
            grads.add(lines, statistics, coarse, images, rows)
    loss, weights, hits = torch.cat(sums, 1).sum(1, dtype=torch.float64)
    return CrossEntropy(losses, loss.to(precise), weights.to(precise), hits.long(), *grads.finished())


def _chunks(inputs: Inputs, with_losses: bool) -> Iterator[tuple[slice, slice]]:
    """Which images and rows to look at together: whole images, or rows of one."""
    x, height, width = inputs.x, len(inputs.kernel_h), len(inputs.kernel_w)
    wide = 8 if x.dtype == torch.float64 else 4
    halves = x.element_size() + any(inputs.needs) * _grad_half_way_dtype(x.dtype).itemsize
    line_bytes = x.shape[1] * x.shape[3] * halves + width * wide * (3 * any(inputs.needs) + with_losses)
    lines = max(1, _CHUNK_BYTES // line_bytes)
    for images in spans(len(x), lines // height):
        for rows in spans(height, lines):
            yield images, rows


def _of_chunk(pixels: Tensor, images: slice, rows: slice) -> Tensor:
    """That part of a map (N, H, W), as a view of shape (rows, images, W)."""
    return pixels[images, rows].transpose(0, 1)


def _grad_half_way_dtype(dtype: torch.dtype) -> torch.dtype:
    """Sums over the pixels of a row may exceed the range of float16."""
    return torch.float32 if dtype == torch.float16 else dtype


class _Gradients:
    """Accumulates the gradients of x, kernel_h and kernel_w; those not needed stay empty."""

    def __init__(self, inputs: Inputs, precise: torch.dtype) -> None:
        self.inputs, self.needs = inputs, inputs.needs
        (height, _), (width, coarse_w) = inputs.kernel_h.shape, inputs.kernel_w.shape
        parts = max(1, min(_PROGRAMS * 64 // width, height))
        shapes = inputs.x.shape, inputs.kernel_h.shape, (parts, width, coarse_w)
        self.x, self.h, self.parts_w = (inputs.x.new_zeros(shape if need else 0, dtype=precise)
                                        for shape, need in zip(shapes, inputs.needs))

    def add(self, lines: softmax.Lines, statistics: Tensor, coarse: Tensor, images: slice, rows: slice) -> None:
        """Add the gradients of the losses of a chunk."""
        if self.needs[2]:
            gradients.add_grad_kernel_w(lines, statistics, self.parts_w)
        if not (self.needs[0] or self.needs[1]):
            return
        dtype = _grad_half_way_dtype(coarse.dtype)
        grad_half_way = torch.empty_like(lines.half_way, dtype=dtype)
        gradients.write_grad_half_way(lines, statistics, grad_half_way)
        grad_rows, kernel_rows = grad_half_way.view(-1, coarse.shape[1]), self.inputs.kernel_h[rows]
        if self.needs[1]:
            self.h[rows] += torch.mm(grad_rows, coarse.t().to(dtype))
        if self.needs[0]:
            grad_coarse = torch.mm(kernel_rows.t().to(dtype), grad_rows)
            classes, coarse_w = lines.half_way.shape[1:]
            self.x[images] += grad_coarse.view(len(coarse), -1, classes, coarse_w).permute(1, 2, 0, 3)

    def finished(self) -> tuple[Tensor, Tensor, Tensor]:
        """The sums in the shapes of x, kernel_h and kernel_w."""
        return self.x, self.h, self.parts_w.sum(0) if self.needs[2] else self.parts_w
