"""Settings of a config with which no training or test can begin, or none would end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.dataset import InfiniteSampler
from mmengine.registry import Registry
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, TestLoop, ValLoop
from mmseg.registry import DATA_SAMPLERS, LOOPS

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.type_names import type_name

_FOR_TRAINING = ('train_dataloader', 'train_cfg', 'optim_wrapper')


def require_training(cfg: Config, path: str) -> None:
    """Make sure that a config describes a training that ends.

    Args:
        cfg: The config.
        path: Its file, for messages.

    Raises:
        InputError: If it lacks a part, trains no steps, or draws images without end where the end of the images is
            waited for.
    """
    missing = [name for name in _FOR_TRAINING if not cfg.get(name)]
    if missing:
        raise InputError(
            f'{path} is for testing only, because it sets no {" and no ".join(missing)}; '
            'use tools/test.py, or another config for training.'
        )
    for name in ('max_iters', 'max_epochs', 'val_interval'):
        steps = cfg.train_cfg.get(name, 1)
        if steps is None and _loop(cfg.train_cfg) not in (EpochBasedTrainLoop, IterBasedTrainLoop):
            continue
        if steps is None or steps < 1:
            raise InputError(f'train_cfg.{name}={cfg.train_cfg[name]} is no number of steps; set 1 or more.')
    if 'type' in cfg.train_cfg and 'by_epoch' in cfg.train_cfg:
        raise InputError(
            f'train_cfg of the config sets both type={type_name(cfg.train_cfg)!r} and '
            f'by_epoch={cfg.train_cfg.by_epoch}, of which either chooses the loop; leave one out.'
        )
    # Loops of one's own may count images themselves.
    if getattr(_loop(cfg.train_cfg), 'run_epoch', None) is EpochBasedTrainLoop.run_epoch:
        _require_end(cfg.train_dataloader, 'train_dataloader', 'an epoch', 'DefaultSampler, or train by iterations')
    if cfg.get('val_dataloader') and _built(LOOPS, cfg.get('val_cfg'), ValLoop) is ValLoop:
        _require_end(cfg.val_dataloader, 'val_dataloader', 'a validation', 'DefaultSampler')


def require_finite_test(cfg: Config) -> None:
    """Make sure that a test ends.

    Args:
        cfg: The config of a test.

    Raises:
        InputError: If it draws images without end.
    """
    if _built(LOOPS, cfg.test_cfg, TestLoop) is TestLoop:
        _require_end(cfg.test_dataloader, 'test_dataloader', 'a test', 'DefaultSampler')


def require_hooks_once(cfg: Config) -> None:
    """Refuse hooks of this project that are listed once more: the second one would undo what the first one does.

    Args:
        cfg: The config of a training.

    Raises:
        InputError: If one is listed twice.
    """
    default = {type_name(hook) for hook in cfg.default_hooks.values()} - {''}
    for hook in cfg.get('custom_hooks') or []:
        if type_name(hook) in default:
            raise InputError(
                f'custom_hooks of the config lists {type_name(hook)} once more, which default_hooks has '
                'already; remove it there.'
            )


def _loop(train_cfg: Mapping[str, Any]) -> Any:
    """The class of the loop; ``None`` if it is registered later."""
    default = EpochBasedTrainLoop if train_cfg.get('by_epoch', True) else IterBasedTrainLoop
    return _built(LOOPS, train_cfg, default)


def _built(registry: Registry, part: Any, default: Any = None) -> Any:
    """The class that a part of a config is built from; ``None`` if it is not known."""
    kind = part.get('type') if isinstance(part, Mapping) else None
    return registry.get(kind) if isinstance(kind, str) else kind or default


def _require_end(loader: Mapping[str, Any], name: str, what: str, instead: str) -> None:
    # What makes batches may stop drawing by itself.
    sampler = None if loader.get('batch_sampler') else _built(DATA_SAMPLERS, loader.get('sampler'))
    if sampler and getattr(sampler, '__iter__', None) is InfiniteSampler.__iter__:
        raise InputError(
            f'{name}.sampler of the config is {sampler.__name__}, which draws images without end, so {what} would '
            f'never end; set {instead}.'
        )
