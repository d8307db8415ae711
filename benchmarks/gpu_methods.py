"""What is timed on a GPU: stock, the reference, the plain formulas under torch.compile, and the Triton kernels."""

from __future__ import annotations

import os
from typing import Callable

import torch
import torch.nn.functional as F
from cases import Case
from torch import Tensor

from mmseg_gdn.ops import global_interp, global_interp_argmax, global_interp_cross_entropy

Call = Callable[[], object]
STOCK, REFERENCE, COMPILED, OURS = 'bilinear', 'reference', 'torch.compile', 'ours'
STEPS = 'forward', 'loss', 'argmax'
_SWITCH = 'MMSEG_GDN_TRITON'


class Inputs:
    """Random coarse scores, matrices and labels.

    Args:
        case: The shapes.
        device: Where to compute.
        dtype: Of scores and matrices.
    """

    def __init__(self, case: Case, device: torch.device, dtype: torch.dtype) -> None:
        generator = torch.Generator().manual_seed(0)

        def normal(*shape: int) -> Tensor:
            numbers = torch.randn(shape, generator=generator) / shape[-1] ** 0.5
            return numbers.to(device, dtype).requires_grad_()

        self.size = case.fine_h, case.fine_w
        self.x = normal(case.n, case.classes, case.h, case.w)
        self.kernels = normal(case.fine_h, case.h), normal(case.fine_w, case.w)
        self.target = torch.randint(case.classes, (case.n, *self.size), generator=generator)
        self.target[torch.rand(self.target.shape, generator=generator) < 0.05] = 255
        self.target = self.target.to(device)


def calls(step: str, inputs: Inputs, *, with_compiled: bool) -> dict[str, Call]:
    """By method, what to time.

    Args:
        step: One of ``STEPS``; the loss includes its gradients.
        inputs: Shared by all methods.
        with_compiled: Whether to include torch.compile, which takes long to compile.
    """
    fused = {'forward': global_interp, 'loss': global_interp_cross_entropy, 'argmax': global_interp_argmax}[step]
    labels = (inputs.target,) if step == 'loss' else ()
    ours = _step(step, lambda: fused(inputs.x, *inputs.kernels, *labels), inputs, fused=True)
    methods = {
        STOCK: _step(step, lambda: F.interpolate(inputs.x, inputs.size, mode='bilinear'), inputs),
        REFERENCE: switched(False, ours),
        OURS: switched(True, ours),
    }
    if with_compiled:
        torch.compiler.reset()  # after a few shapes and types of one function, the next would not be compiled
        compiled = torch.compile(_plain_step, dynamic=False)
        methods[COMPILED] = _step(
            step, lambda: compiled(step, inputs.x, *inputs.kernels, inputs.target), inputs, fused=True
        )
    return methods


def switched(on: bool, call: Call) -> Call:
    """The call with the Triton kernels on or off."""

    def run() -> object:
        os.environ[_SWITCH] = str(int(on))
        return call()

    return run


def _plain_step(step: str, x: Tensor, kernel_h: Tensor, kernel_w: Tensor, target: Tensor) -> Tensor:
    scores = kernel_h @ x @ kernel_w.t()
    if step == 'forward':
        return scores
    return scores.argmax(1) if step == 'argmax' else _loss(scores, target)


def _loss(scores: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(scores.float(), target, ignore_index=255)


def _step(step: str, scores: Call, inputs: Inputs, *, fused: bool = False) -> Call:
    """What follows the scores; ``fused`` if ``scores`` does it already."""
    if step == 'forward':
        return torch.no_grad()(scores)
    if step == 'argmax':
        return torch.no_grad()(scores if fused else lambda: scores().argmax(1))

    def loss_and_gradients() -> None:
        (scores() if fused else _loss(scores(), inputs.target)).backward()
        # At the end, so that the peak of the next call's memory has its gradients, too.
        for tensor in (inputs.x, *inputs.kernels):
            tensor.grad = None

    return loss_and_gradients
