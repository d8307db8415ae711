"""Checkpoints that stand under their names completely or not at all, however the process ends."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, is_main_process
from mmengine.runner import Runner

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.files import sync
from mmseg_gdn.utils.system_errors import is_about_writing, reason, remedy

from .checkpoint import require_plain
from .newest_checkpoint import what_can_be_resumed

PARTIAL = '.saving'
"""Folder, inside that of the checkpoints, in which one is written; what is found there later is of no use."""


class DurableSaving:
    """Replaces a runner's ``save_checkpoint``: writes beside the target, waits for the disk, and renames.

    Args:
        runner: The runner of a training, by either of mmengine's runners.
    """

    def __init__(self, runner: Any) -> None:
        self._save = runner.save_checkpoint
        # With FlexibleRunner, each process may write a part.
        self._has_parts = not isinstance(runner, Runner)

    def __call__(self, out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
        """Save a checkpoint.

        Args:
            out_dir: The folder of the checkpoints.
            filename: Name of the checkpoint.
            args: Further arguments of the runner's method.
            kwargs: Further arguments of the runner's method.

        Raises:
            InputError: If it could not be written, or could not be read again. An older file of this name is untouched
                then.
        """
        if '://' in str(out_dir):
            self._save(out_dir, filename, *args, **kwargs)
            return
        partial, target = Path(out_dir, PARTIAL), Path(out_dir, filename)
        try:
            if is_main_process():
                shutil.rmtree(partial, ignore_errors=True)
            self._wait()
            self._save(str(partial), filename, *args, **kwargs)
            self._wait()
            if is_main_process():
                require_plain(partial / filename, target)
                _replace(partial / filename, target)
        except (OSError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not is_about_writing(error):
                raise
            shutil.rmtree(partial, ignore_errors=True)
            raise InputError(
                f'{target} cannot be written ({reason(error)}), so training has stopped; {remedy(error)}. '
                f'{what_can_be_resumed(Path(out_dir))}'
            ) from error

    def _wait(self) -> None:
        if self._has_parts:
            barrier()


def _replace(partial: Path, target: Path) -> None:
    """Rename a finished checkpoint to its final name; a folder of parts cannot replace another one in one step."""
    sync(partial)
    if target.is_dir():
        target.rename(partial.with_name('replaced'))
    os.replace(partial, target)
    sync(target.parent)
    shutil.rmtree(partial.parent, ignore_errors=True)
