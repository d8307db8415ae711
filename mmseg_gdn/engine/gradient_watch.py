"""Which matrices of global interpolation get a gradient in a training step?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.model import is_model_wrapper
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel

from mmseg_gdn.models.layers import GlobalInterp

from .unwrap import plain_name


def all_matrices(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The matrices of all :class:`GlobalInterp` layers.

    Args:
        model: A segmentor without a wrapper.

    Yields:
        Name and matrix.
    """
    for name, module in model.named_modules():
        if isinstance(module, GlobalInterp):
            yield plain_name(f'{name}.kernel_h'), module.kernel_h
            yield plain_name(f'{name}.kernel_w'), module.kernel_w


class GradientWatch:
    """Notes which matrices get a gradient.

    When mmengine calls hooks after a step, gradients have been reset already, so they are observed during the step.

    Args:
        model: The model of a runner, possibly wrapped.
    """

    def __init__(self, model: nn.Module) -> None:
        self._unreached: set[str] = set()
        self._handles: list[Any] = []
        is_sharded = isinstance(model, FullyShardedDataParallel)
        while is_model_wrapper(model):
            model = model.get_submodule('module')
        if is_sharded:
            # The matrices exist only during a forward pass, as views of a flat parameter.
            self._handles.append(model.register_forward_pre_hook(lambda module, args: self._watch(module)))
        else:
            self._watch(model)

    def stop(self) -> list[str]:
        """Stop observing.

        Returns:
            Names of the matrices that got no gradient.
        """
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        return sorted(self._unreached)

    def _watch(self, model: nn.Module) -> None:
        for name, matrix in all_matrices(model):
            if matrix.requires_grad:
                self._unreached.add(name)
                self._handles.append(matrix.register_hook(lambda gradient, name=name: self._unreached.discard(name)))
