"""From where a training starts: anew, or from a checkpoint of its work folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log

from mmseg_gdn.engine.checkpoint import read_training_state, require_intact
from mmseg_gdn.engine.newest_checkpoint import newest_checkpoint, written_checkpoints
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.launchers import is_first_process
from mmseg_gdn.utils.lock import only_user

from . import AUTO, LATEST

_LOCK = 'training.lock'


@contextmanager
def training_in(cfg: Config, resume: str | None) -> Iterator[None]:
    """Choose from where to start, and keep other trainings out of the work folder.

    Args:
        cfg: The config, with an existing ``work_dir``; ``resume`` and ``load_from`` are set.
        resume: ``LATEST``, ``AUTO``, the path of a checkpoint, or ``None`` to start anew.

    Raises:
        InputError: If another training uses the folder, if there is nothing to resume, or if a new start would mix with
            the checkpoints of an older one.
    """
    folder = Path(cfg.work_dir)
    has_begun = (folder / _LOCK).exists() or any(folder.glob('*/vis_data'))
    if resume == LATEST and not has_begun and not written_checkpoints(_saved_in(cfg)):
        _drop_if_empty(folder)
        raise InputError(
            f'There is no training in {folder} to resume; correct --work-dir, or leave out --resume to '
            'start one. With --resume auto, a training is resumed if there is one.'
        )
    if not is_first_process(cfg.launcher):
        _choose(cfg, resume)
        yield
        return
    with only_user(folder, _LOCK):
        _choose(cfg, resume)
        yield


def _choose(cfg: Config, resume: str | None) -> None:
    folder = _saved_in(cfg)
    written = written_checkpoints(folder)
    if resume not in (None, LATEST, AUTO):
        read_training_state(resume)
        require_intact(resume)
        cfg.resume, cfg.load_from = True, resume
    elif resume is None:
        if written and is_first_process(cfg.launcher):
            raise InputError(
                f'{folder} has checkpoints of an earlier training ({written[-1].name} and others), which '
                'this one would overwrite and mix with its own; add --resume to go on with it, name '
                'another folder with --work-dir, or remove them.'
            )
    elif written:
        newest = newest_checkpoint(folder)
        if newest is None:
            raise InputError(
                f'None of the checkpoints in {folder} can be resumed from; see the warnings above. To '
                'start anew, name another folder with --work-dir.'
            )
        cfg.resume, cfg.load_from = True, str(newest)
        print_log(f'Training goes on from {newest}.', 'current')
    elif resume == LATEST:
        print_log(f'The training in {folder} has no checkpoint yet, so it starts anew.', 'current', logging.WARNING)


def _saved_in(cfg: Config) -> Path:
    """Where mmengine's ``CheckpointHook`` saves."""
    out_dir = ((cfg.get('default_hooks') or {}).get('checkpoint') or {}).get('out_dir')
    return Path(out_dir, Path(cfg.work_dir).name) if out_dir else Path(cfg.work_dir)


def _drop_if_empty(folder: Path) -> None:
    """Remove a folder that was made because its name was mistyped."""
    if not any(folder.iterdir()):
        folder.rmdir()
