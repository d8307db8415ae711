"""What is timed: a way of upsampling together with what follows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

import torch
import torch.nn.functional as F
from cases import Case
from torch import Tensor, nn
from upsamplers import UPSAMPLERS

from mmseg_gdn.ops import cross_entropy_sums, global_interp_argmax, global_interp_cross_entropy

Call = Callable[[], object]
STOCK, OURS = 'bilinear', 'ours'
STEPS = 'forward', 'forward_backward', 'cross_entropy', 'loss_and_accuracy', 'argmax'
_WITH_ALL_UPSAMPLERS = 'forward', 'forward_backward'
_SCORED = STOCK, 'plain product', OURS


class Problem:
    """Inputs that all methods share.

    Args:
        case: The shapes.
        device: Where to compute.
        dtype: float32, or a half precision that autocast uses.
    """

    def __init__(self, case: Case, device: torch.device, dtype: torch.dtype) -> None:
        generator = torch.Generator().manual_seed(0)
        shape = case.n, case.fine_h, case.fine_w
        self.case, self.device, self.dtype = case, device, dtype
        self.x = (3 * torch.randn(case.n, case.classes, case.h, case.w, generator=generator)).to(device)
        self.x.requires_grad_()
        self.target = torch.randint(case.classes, shape, generator=generator)
        self.target[torch.rand(shape, generator=generator) < 0.05] = 255
        self.target = self.target.to(device)

    def calls(self, step: str) -> dict[str, Call]:
        """What to time, by the name of the method: stock, the plain product and ours, as far as they can run here."""
        return self._calls(step, _SCORED)

    def rival_calls(self, step: str) -> dict[str, Call]:
        """Stock and the other ways of upsampling; empty where no scores are asked for, which is all they can give."""
        if step not in _WITH_ALL_UPSAMPLERS:
            return {}
        return self._calls(step, (STOCK, *(name for name in UPSAMPLERS if name not in _SCORED)))

    def _calls(self, step: str, names: Iterable[str]) -> dict[str, Call]:
        calls = {name: self._call(step, name) for name in names}
        return {name: call for name, call in calls.items() if call is not None}

    def _call(self, step: str, name: str) -> Call | None:
        try:
            upsampler = UPSAMPLERS[name](self.case).to(self.device)
            make = _fused_call if name == OURS and step not in _WITH_ALL_UPSAMPLERS else _plain_call
            call = self._under_autocast(make(self, step, upsampler))
            call()
        except (ImportError, RuntimeError, AttributeError) as error:
            print(f'  {name} cannot run here ({type(error).__name__}: {str(error)[:70]}...)', flush=True)
            return None
        return call

    def _under_autocast(self, call: Call) -> Call:
        def under_autocast() -> object:
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                result = call()
            self.x.grad = None
            return result

        return under_autocast


def _plain_call(problem: Problem, step: str, upsampler: nn.Module) -> Call:
    x, target = problem.x, problem.target
    if step == 'forward':
        return torch.no_grad()(lambda: upsampler(x))
    if step == 'argmax':
        return torch.no_grad()(lambda: upsampler(x).argmax(1))
    if step == 'forward_backward':
        with torch.no_grad():
            grad = torch.randn_like(upsampler(x))
        return lambda: _backward(upsampler(x), upsampler, grad)
    if step == 'cross_entropy':
        return lambda: _backward(F.cross_entropy(upsampler(x), target, ignore_index=255), upsampler)

    def loss_and_accuracy() -> Tensor:
        scores = upsampler(x)
        _backward(F.cross_entropy(scores, target, ignore_index=255), upsampler)
        with torch.no_grad():
            valid = target != 255
            return 100 * ((scores.topk(1, 1).indices.squeeze(1) == target) & valid).sum() / valid.sum()

    return loss_and_accuracy


def _fused_call(problem: Problem, step: str, kernels: nn.Module) -> Call:
    inputs = problem.x, kernels.kernel_h, kernels.kernel_w
    if step == 'argmax':
        return lambda: global_interp_argmax(*inputs)
    if step == 'cross_entropy':
        return lambda: _backward(global_interp_cross_entropy(*inputs, problem.target), kernels)

    def loss_and_accuracy() -> Tensor:
        sums = cross_entropy_sums(*inputs, problem.target)
        _backward(sums.loss / sums.weight, kernels)
        return 100 * sums.hits / sums.weight

    return loss_and_accuracy


def _backward(result: Tensor, module: nn.Module, grad: Tensor | None = None) -> None:
    result.backward(grad)
    # At the end, so that the peak of the next call's memory has its gradients, too.
    module.zero_grad()
