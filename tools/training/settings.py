"""Settings of a config with which no training can begin, or none would end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from mmseg_gdn.utils import InputError

_FOR_TRAINING = ('train_dataloader', 'train_cfg', 'optim_wrapper')
_ENDLESS = 'InfiniteSampler'


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
        if cfg.train_cfg.get(name, 1) < 1:
            raise InputError(f'train_cfg.{name}={cfg.train_cfg[name]} is no number of steps; set 1 or more.')
    if 'type' in cfg.train_cfg and 'by_epoch' in cfg.train_cfg:
        raise InputError(
            f'train_cfg of the config sets both type={cfg.train_cfg.type!r} and by_epoch={cfg.train_cfg.by_epoch}, of '
            'which either chooses the loop; leave one out.'
        )
    if _goes_by_epochs(cfg.train_cfg):
        _require_end(cfg.train_dataloader, 'train_dataloader', 'an epoch', 'DefaultSampler, or train by iterations')
    if cfg.get('val_dataloader'):
        _require_end(cfg.val_dataloader, 'val_dataloader', 'a validation', 'DefaultSampler')


def require_hooks_once(cfg: Config) -> None:
    """Refuse hooks of this project that are listed once more: the second one would undo what the first one does.

    Args:
        cfg: The config of a training.

    Raises:
        InputError: If one is listed twice.
    """
    default = {hook.get('type') for hook in cfg.default_hooks.values() if hook}
    for hook in cfg.get('custom_hooks') or []:
        if hook.get('type') in default:
            raise InputError(
                f'custom_hooks of the config lists {hook["type"]} once more, which default_hooks has '
                'already; remove it there.'
            )


def _goes_by_epochs(train_cfg: Mapping[str, Any]) -> bool:
    kind = train_cfg.get('type')
    return str(kind).endswith('EpochBasedTrainLoop') if kind else train_cfg.get('by_epoch', True)


def _require_end(loader: Mapping[str, Any], name: str, what: str, instead: str) -> None:
    sampler = loader.get('sampler')
    if isinstance(sampler, Mapping) and str(sampler.get('type')).endswith(_ENDLESS):
        raise InputError(
            f'{name}.sampler of the config is {_ENDLESS}, which draws images without end, so {what} would never end; '
            f'set {instead}.'
        )
