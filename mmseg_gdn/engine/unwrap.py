"""The model inside wrappers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

_FSDP_PREFIX = '_fsdp_wrapped_module.'


@contextmanager
def whole_model(model: nn.Module) -> Iterator[nn.Module]:
    """Give access to the whole model on every process, whatever it is wrapped in.

    With FSDP, all processes have to enter, because the parameters are gathered; changes are scattered at the end.

    Args:
        model: A segmentor, possibly wrapped by DDP, FSDP or test-time augmentation.

    Yields:
        The segmentor, with parameters of full shape.
    """
    if isinstance(model, FullyShardedDataParallel):
        with FullyShardedDataParallel.summon_full_params(model):
            yield model.module
    else:
        while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
            model = model.get_submodule('module')
        yield model


def plain_name(name: str) -> str:
    """Name of a module or parameter without the prefixes that FSDP adds.

    Args:
        name: A name, or a key of a state dict.

    Returns:
        The name without FSDP's prefixes.
    """
    return name.replace(_FSDP_PREFIX, '')
