"""Words at the top of a config that are one of a few."""

from __future__ import annotations

import logging
from typing import Any

import mmengine.registry
from mmengine.config import Config
from mmengine.registry import Registry

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.built_parts import similar

# Projects of mmengine's whose parts are imported when their scope is named.
_SCOPES = {'mmengine', 'mmseg', 'mmcls', 'mmpretrain', 'mmdet', 'mmdet3d', 'mmpose', 'mmocr', 'mmrazor', 'mmrotate'}
_LEVELS = ('DEBUG', 'INFO', 'WARNING', 'ERROR')
_LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')
_CUTOFF = 0.7


def check_choices(cfg: Config, path: str) -> None:
    """Make sure that the scope, the level of the log and the launcher of a config exist.

    Args:
        cfg: The config.
        path: Its file, for messages.

    Raises:
        InputError: If one does not. A scope that resembles none may still be that of a package that is imported later.
    """
    level = cfg.get('log_level', 'INFO')
    if not _is_level(level):
        raise InputError(f'{path}: log_level={level} is no level of a log; set one of {", ".join(_LEVELS)}.')
    launcher = cfg.get('launcher', 'none')
    if launcher not in _LAUNCHERS:
        raise InputError(f'{path}: launcher={launcher} is no launcher; set one of {", ".join(_LAUNCHERS)}.')
    scope = cfg.get('default_scope')
    if scope is None:
        return
    if not isinstance(scope, str):
        raise InputError(f"{path}: default_scope={scope} is no name of a project; set default_scope='mmseg'.")
    if scope not in _scopes() and (hint := similar(scope, _scopes(), cutoff=_CUTOFF)):
        raise InputError(f'{path}: default_scope={scope} is no project whose parts are registered{hint}')


def _is_level(level: Any) -> bool:
    return isinstance(level, int) or (isinstance(level, str) and isinstance(logging.getLevelName(level), int))


def _scopes() -> set[str]:
    roots = [one for one in vars(mmengine.registry).values() if isinstance(one, Registry)]
    return _SCOPES.union(*(one.children for one in roots))
