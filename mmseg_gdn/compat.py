"""Workarounds for current versions of both stacks; see docs/stacks.md."""

from __future__ import annotations

import codecs
import contextlib
import io
import pickle
import warnings
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, Callable

from .stack import Stack, find_problem, find_shortcomings, find_stack


def prepare_stack() -> None:
    """Check what is installed and apply the workarounds it needs; called once, by ``import mmseg_gdn``.

    If something is missing that only some models need, this is a warning.

    Raises:
        ImportError: If it cannot work; the message names the command that fixes it.
    """
    stack = find_stack()
    problem = find_problem(stack)
    if problem is not None:
        raise ImportError(problem)
    for shortcoming in find_shortcomings(stack):
        warnings.warn(shortcoming, stacklevel=2)
    apply_remedies(stack)


def apply_remedies(stack: Stack) -> None:
    """Apply the workarounds of a stack. Call it before anything below mmseg's top level is imported."""
    # mmengine uses pkg_resources, and the versions of setuptools that have it warn at every start.
    warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
    tolerate_missing_ops()
    allow_training_state()
    never_run_code_of_checkpoints()
    resume_sharded_optimizers()
    if stack.is_onedl:
        resolve_config_prefix()
        import_data_sets_quietly()


def tolerate_missing_ops() -> None:
    """Let mmseg be imported without mmcv's compiled operators.

    mmseg imports some of them unconditionally (point sampling, focal loss, SAN), although few models call one. Missing
    operators then raise a clear error when they are called.
    """
    if find_spec('mmcv._ext') is not None:
        return
    from mmcv.utils import ext_loader

    def load_ext(name: str, funcs: list[str]) -> SimpleNamespace:
        return SimpleNamespace(**{function: _missing_op(function) for function in funcs})

    ext_loader.load_ext = load_ext


def _missing_op(name: str) -> Callable:
    def call(*args, **kwargs) -> None:
        raise RuntimeError(
            f"This model calls mmcv's compiled operator {name!r}, which mmcv-lite does not have; "
            'install a full build instead: pip uninstall -y mmcv-lite && '
            "pip install --no-build-isolation 'mmcv>=2.0,<2.2'"
        )

    return call


def allow_training_state() -> None:
    """Let ``torch.load(weights_only=True)``, the default since torch 2.6, read what mmengine's checkpoints hold.

    Besides weights, these are histories of logged values: NumPy arrays in a ``HistoryBuffer``, whose methods are
    pickled as ``getattr(HistoryBuffer, name)``. No other use of ``getattr`` is allowed.
    """
    import numpy
    import torch
    from mmengine.logging.history_buffer import HistoryBuffer

    def history_method(owner: type, name: str) -> Callable:
        if owner is not HistoryBuffer:
            raise pickle.UnpicklingError(f'A checkpoint may not read the attribute {name!r} of {owner!r}.')
        return getattr(owner, name)

    # What is let through goes by its own name: torch 2.4 knows no pairs of a function and another name.
    history_method.__module__ = 'builtins'
    history_method.__name__ = history_method.__qualname__ = 'getattr'
    multiarray = import_module('numpy._core.multiarray' if hasattr(numpy, '_core') else 'numpy.core.multiarray')
    torch.serialization.add_safe_globals(
        [
            HistoryBuffer,
            history_method,
            numpy.ndarray,
            numpy.dtype,
            multiarray._reconstruct,
            multiarray.scalar,
            codecs.encode,  # NumPy stores the bytes of arrays by it, and torch 2.4 does not let it through by itself
            *(type(numpy.dtype(name)) for name in ('float64', 'float32', 'int64')),
        ]
    )


def never_run_code_of_checkpoints() -> None:
    """Keep the OneDL fork from loading without ``weights_only=True`` what that has refused."""
    import torch
    from mmengine.runner import checkpoint

    def load(file: Any, map_location: Any = None, weights_only: bool | None = None) -> Any:
        return torch.load(file, map_location=map_location, weights_only=weights_only is not False)

    if hasattr(checkpoint, '_safe_torch_load'):
        checkpoint._safe_torch_load = load


def resume_sharded_optimizers() -> None:
    """Let training with FSDP resume: torch 2.1 changed the order of the arguments that mmengine passes by position."""
    from mmengine._strategy import FSDPStrategy
    from torch.distributed.fsdp import FullyShardedDataParallel

    def load_optim_state_dict(self: FSDPStrategy, state_dict: dict) -> None:
        optimizer = self.optim_wrapper.optimizer
        self.optim_wrapper.load_state_dict(
            FullyShardedDataParallel.optim_state_dict_to_load(
                model=self.model, optim=optimizer, optim_state_dict=state_dict
            )
        )

    FSDPStrategy.load_optim_state_dict = load_optim_state_dict


def resolve_config_prefix() -> None:
    """Let ``_base_ = 'mmseg::...'`` find the configs of the OneDL fork, whose package has another name."""
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE['mmseg'] = 'mmseg'


def import_data_sets_quietly() -> None:
    """Keep the OneDL fork from printing that its optional client is missing in the output of every tool."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        import mmseg.datasets  # noqa: F401
    for line in printed.getvalue().splitlines():
        if line != 'Could not import OneDL':
            print(line)
