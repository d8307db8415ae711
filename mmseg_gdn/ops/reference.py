"""The operators of :mod:`.library` in PyTorch's own operations, for every device and type.

Losses and best classes are computed a few rows at a time, for all images and classes together: each product is one
large matrix product, and the full-size scores never exist. No value is read back from the device.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .checks import Needs, precise_dtype, rows_first, valid_pixels

_CHUNK_BYTES = 16 << 20  # of scores: keeps a GPU busy, and is a small part of the full-size scores of common crops
_Three = tuple[Tensor, Tensor, Tensor]
_LINEAR_FROM = 50  # softplus(x) equals x from here on, in double precision too


class CrossEntropy(NamedTuple):
    """Loss of each pixel, sums over pixels, and the gradients of the sum of the losses (empty where not needed)."""

    losses: Tensor
    loss: Tensor
    weight: Tensor
    hits: Tensor
    grad_x: Tensor
    grad_kernel_h: Tensor
    grad_kernel_w: Tensor


def global_interp(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Full-size maps."""
    x, kernel_h, kernel_w = _in_type(dtype, x, kernel_h, kernel_w)
    maps = x.flatten(0, 1)
    if rows_first(kernel_h, kernel_w):
        fine = torch.matmul(_times_each(kernel_h, maps), kernel_w.t())
    else:
        fine = _times_each(kernel_h, torch.matmul(maps, kernel_w.t()))
    return fine.view(*x.shape[:2], *fine.shape[1:])


def global_interp_backward(
    grad: Tensor, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, needs: Needs, dtype: torch.dtype | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of :func:`global_interp`."""
    inputs = x, kernel_h, kernel_w
    x, grad, kernel_h, kernel_w = _in_type(dtype, x, grad, kernel_h, kernel_w)
    maps, grad = x.flatten(0, 1), grad.flatten(0, 1)
    grad_x, grad_h, grad_w = (x.new_empty(0) for _ in needs)
    if rows_first(kernel_h, kernel_w):
        if needs[0] or needs[1]:
            grad_rows = torch.matmul(grad, kernel_w)
        if needs[0]:
            grad_x = _times_each(kernel_h.t(), grad_rows)
        if needs[1]:
            grad_h = _sum_of_products(grad_rows.transpose(0, 1).flatten(1), maps.transpose(1, 2).flatten(0, 1))
        if needs[2]:
            grad_w = _sum_of_products(grad.flatten(0, 1).t(), _times_each(kernel_h, maps).flatten(0, 1))
    else:
        if needs[0] or needs[2]:
            grad_columns = _times_each(kernel_h.t(), grad)
        if needs[0]:
            grad_x = torch.matmul(grad_columns, kernel_w)
        if needs[1]:  # one product per map, because a single one would need a copy of the full-size gradient
            columns = torch.matmul(maps, kernel_w.t())
            grad_h = torch.bmm(grad, columns.mT).sum(0, dtype=precise_dtype(grad.dtype))
        if needs[2]:
            grad_w = _sum_of_products(grad_columns.flatten(0, 1).t(), maps.flatten(0, 1))
    return _like(inputs, (grad_x.view(x.shape) if needs[0] else grad_x, grad_h, grad_w))


def global_interp_argmax(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Best class of each pixel."""
    if not rows_first(kernel_h, kernel_w):
        return _turned_back(global_interp_argmax(x.mT, kernel_w, kernel_h, dtype))
    best = torch.empty(len(x), len(kernel_h), len(kernel_w), dtype=torch.int64, device=x.device)
    for chunk in _chunks(x, kernel_h, kernel_w, dtype):
        best[:, chunk.rows] = chunk.scores.max(2).indices.transpose(0, 1)
    return best


def cross_entropy_sums(
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
    """Sums over pixels, and the gradients of the sum of the losses, at least float32."""
    return _cross_entropy(x, kernel_h, kernel_w, target, weight, ignore_index, max_loss, needs, dtype)[1:]


def cross_entropy_losses(
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    dtype: torch.dtype | None,
) -> Tensor:
    """Loss of each pixel."""
    nothing = False, False, False
    return _cross_entropy(x, kernel_h, kernel_w, target, weight, ignore_index, None, nothing, dtype).losses


def cross_entropy_losses_backward(
    grad: Tensor,
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    needs: Needs,
    dtype: torch.dtype | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of :func:`cross_entropy_losses`; the scores are computed again."""
    result = _cross_entropy(x, kernel_h, kernel_w, target, weight, ignore_index, None, needs, dtype, grad)
    return _like((x, kernel_h, kernel_w), (result.grad_x, result.grad_kernel_h, result.grad_kernel_w))


def _cross_entropy(
    x: Tensor,
    kernel_h: Tensor,
    kernel_w: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    max_loss: float | None,
    needs: Needs,
    dtype: torch.dtype | None,
    grad_losses: Tensor | None = None,
) -> CrossEntropy:
    if not rows_first(kernel_h, kernel_w):
        losses, loss, weights, hits, grad_x, grad_w, grad_h = _cross_entropy(
            x.mT,
            kernel_w,
            kernel_h,
            target.mT,
            weight,
            ignore_index,
            max_loss,
            _turned(needs),
            dtype,
            None if grad_losses is None else grad_losses.mT,
        )
        return CrossEntropy(_turned_back(losses), loss, weights, hits, _turned_back(grad_x), grad_h, grad_w)
    precise = precise_dtype(dtype or x.dtype)
    target, valid = target.long(), valid_pixels(target, ignore_index)
    labels = target * valid
    weights = valid.to(precise) if weight is None else weight.to(precise)[labels] * valid
    factors = weights if grad_losses is None else weights * grad_losses
    losses = torch.empty_like(weights, memory_format=torch.contiguous_format)
    hits = torch.zeros((), dtype=torch.int64, device=x.device)
    gradients = _Gradients(x, kernel_h, kernel_w, needs, precise)
    for chunk in _chunks(x, kernel_h, kernel_w, dtype):
        scores, chunk_labels = chunk.scores.to(precise), chunk.of(labels)
        largest, best = scores.max(2, keepdim=True)
        hits += ((best == chunk_labels) & chunk.of(valid)).sum()
        # The target's own score is left out of the sum, so that the loss of a nearly certain pixel is precise.
        target_logit = scores.gather(2, chunk_labels).sub_(largest)
        others = scores.sub_(largest).scatter_(2, chunk_labels, -torch.inf).exp_().sum(2, keepdim=True)
        chunk.of(losses).copy_(F.softplus(others.log() - target_logit, threshold=_LINEAR_FROM))
        if any(needs):
            factor = chunk.of(factors) / (target_logit.exp_() + others)
            gradients.add(chunk, scores.mul_(factor).scatter_(2, chunk_labels, -factor * others))
    if max_loss is not None:
        losses.clamp_(max=max_loss)
    losses.mul_(weights).masked_fill_(~valid, 0)
    return CrossEntropy(losses, losses.sum(), weights.sum(), hits, *gradients.finished())


class _Chunk(NamedTuple):
    """Scores of some rows (R of them) of all images.

    Attributes:
        rows: Which rows.
        coarse: Coarse scores of all images, shape (h, N * C * w).
        kernel_rows: Those rows of ``kernel_h``, shape (R, h).
        kernel_w: Shape (W, w).
        half_way: ``kernel_rows @ coarse``, shape (R * N * C, w).
        scores: Shape (R, N, C, W).
    """

    rows: slice
    coarse: Tensor
    kernel_rows: Tensor
    kernel_w: Tensor
    half_way: Tensor
    scores: Tensor

    def of(self, pixels: Tensor) -> Tensor:
        """This chunk's part of a map (N, H, W), as a view of shape (R, N, 1, W)."""
        return pixels[:, self.rows].transpose(0, 1).unsqueeze(2)


def _chunks(x: Tensor, kernel_h: Tensor, kernel_w: Tensor, dtype: torch.dtype | None) -> Iterator[_Chunk]:
    x, kernel_h, kernel_w = _in_type(dtype, x, kernel_h, kernel_w)
    n, classes, h, w = x.shape
    coarse = x.permute(2, 0, 1, 3).reshape(h, n * classes * w)
    row_bytes = n * classes * len(kernel_w) * precise_dtype(x.dtype).itemsize
    for rows in spans(len(kernel_h), _CHUNK_BYTES // max(1, row_bytes)):
        kernel_rows = kernel_h[rows]
        half_way = torch.mm(kernel_rows, coarse).view(len(kernel_rows) * n * classes, w)
        scores = torch.mm(half_way, kernel_w.t()).view(len(kernel_rows), n, classes, len(kernel_w))
        yield _Chunk(rows, coarse, kernel_rows, kernel_w, half_way, scores)


class _Gradients:
    """Accumulates the gradients of x, kernel_h and kernel_w; those not needed stay empty."""

    def __init__(self, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, needs: Needs, precise: torch.dtype) -> None:
        n, classes, h, w = x.shape
        shapes = (h, n, classes, w), kernel_h.shape, kernel_w.shape
        self.x, self.h, self.w = (
            torch.zeros(shape if need else 0, dtype=precise, device=x.device) for shape, need in zip(shapes, needs)
        )
        self.needs = needs

    def add(self, chunk: _Chunk, grad_scores: Tensor) -> None:
        """Multiply the gradient of a chunk's scores, shape (R, N, C, W), back to the coarse size."""
        grad_scores = grad_scores.flatten(0, 2).to(chunk.kernel_w.dtype)
        if self.needs[2]:
            self.w += _sum_of_products(grad_scores.t(), chunk.half_way)
        if not (self.needs[0] or self.needs[1]):
            return
        grad_rows = torch.mm(grad_scores, chunk.kernel_w).view(len(chunk.kernel_rows), chunk.coarse.shape[1])
        if self.needs[1]:
            self.h[chunk.rows] = _sum_of_products(grad_rows, chunk.coarse.t())
        if self.needs[0]:
            self.x += _sum_of_products(chunk.kernel_rows.t(), grad_rows).view(self.x.shape)

    def finished(self) -> tuple[Tensor, Tensor, Tensor]:
        """The sums in the shapes of x, kernel_h and kernel_w."""
        return self.x.permute(1, 2, 0, 3).contiguous() if self.needs[0] else self.x, self.h, self.w


def spans(length: int, longest: int) -> Iterator[slice]:
    """Split ``range(length)`` into the fewest slices of at most ``longest``, of about equal lengths."""
    count = -(-length // max(1, longest))
    for index in range(count):
        yield slice(index * length // count, (index + 1) * length // count)


def _in_type(dtype: torch.dtype | None, x: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.to(dtype or x.dtype) for tensor in (x, *others))


def _like(inputs: _Three, gradients: _Three) -> _Three:
    (x, kernel_h, kernel_w), (grad_x, grad_h, grad_w) = inputs, gradients
    return grad_x.to(x.dtype), grad_h.to(kernel_h.dtype), grad_w.to(kernel_w.dtype)


def _turned(needs: Needs) -> Needs:
    return needs[0], needs[2], needs[1]


def _turned_back(result: Tensor) -> Tensor:
    return result.mT.contiguous() if result.dim() > 1 else result


def _times_each(kernel: Tensor, maps: Tensor) -> Tensor:
    """``kernel @ map`` for each map (M, a, b), without copies of ``kernel``."""
    return torch.bmm(kernel.expand(len(maps), -1, -1), maps)


def _sum_of_products(left: Tensor, right: Tensor) -> Tensor:
    """A product that sums over pixels, which may exceed the range of float16."""
    dtype = torch.float32 if left.dtype == torch.float16 else left.dtype
    return torch.mm(left.to(dtype), right.to(dtype))
