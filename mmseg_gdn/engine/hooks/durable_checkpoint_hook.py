"""Save checkpoints so that there is always one to go on from."""

from __future__ import annotations

import shutil
from collections import deque
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_gdn.engine.divergence import require_finite
from mmseg_gdn.engine.durable_saving import PARTIAL, DurableSaving
from mmseg_gdn.engine.progress import is_between_updates
from mmseg_gdn.engine.saved_size import saved_size
from mmseg_gdn.utils import atomic_write
from mmseg_gdn.utils.space import require_space

_OUTDATED = 'outdated_ckpt_ids'  # in mmengine's message hub, and so in checkpoints


@HOOKS.register_module()
class DurableCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook``, with the same arguments, that survives crashes and full disks.

    - A checkpoint is written beside its final name, and renamed when the disk has it.
    - Older checkpoints are removed when the newer one stands, not before; ``max_keep_ckpts=1`` never leaves none. What
      a killed training was about to remove is removed when it is resumed.
    - Where gradients are accumulated, it is saved after the next update, because it has no gradients.
    - Weights with NaN or inf are not saved; training ends.
    - Paths that a resumed checkpoint brings along count only inside of the own folder. Nothing else is removed.
    """

    keep_ckpt_ids: deque[int]

    def before_train(self, runner: Runner) -> None:
        """Prepare the folder.

        Args:
            runner: The runner of the training.

        Raises:
            InputError: If the disk has no room for a checkpoint.
        """
        self._is_due = False
        self._saved_at = -1
        self._meta: dict[str, Any] = {}
        kept = runner.message_hub.runtime_info.get('keep_ckpt_ids') or []
        runner.message_hub.update_info('keep_ckpt_ids', [step for step in kept if isinstance(step, int)])
        super().before_train(runner)
        self._put_best({key: self._own(path) for key, path in self._best().items()})
        if runner._resume:
            # A validation that is made up for may have to rewrite it.
            self.last_ckpt = self._own(runner.message_hub.runtime_info.get('last_ckpt'), 'iter_', 'epoch_')
            self._remove_outdated(runner.message_hub.runtime_info.get(_OUTDATED))
        if is_main_process() and '://' not in self.out_dir:
            shutil.rmtree(Path(self.out_dir, PARTIAL), ignore_errors=True)
            require_space([(Path(self.out_dir), saved_size(runner, self.save_optimizer))])
        if not isinstance(runner.save_checkpoint, DurableSaving):
            # All of mmengine's ways to save go through this method.
            runner.save_checkpoint = DurableSaving(runner)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Save if it is time, or if it was between the last two updates.

        Args:
            runner: The runner of the training.
            batch_idx: Index of the batch.
            data_batch: The batch.
            outputs: Results of the step.
        """
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        if self._is_due and is_between_updates(runner.optim_wrapper):
            self.save_now(runner, runner.iter + 1)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Store the iteration, which FlexibleRunner counts one too high after a validation, and no code.

        Args:
            runner: The runner of the training.
            checkpoint: What will be saved.
        """
        checkpoint['meta'].update(self._meta)
        schedulers = checkpoint.get('param_schedulers') or []
        for states in schedulers.values() if isinstance(schedulers, dict) else [schedulers]:
            states[:] = [_without_code(state) for state in states]

    def save_now(self, runner: Runner, iteration: int) -> Path:
        """Save a checkpoint, unless there is one of this iteration.

        Args:
            runner: The runner of the training.
            iteration: How many iterations are done.

        Returns:
            The checkpoint.
        """
        meta = dict(epoch=runner.epoch, iter=iteration)
        if self._saved_at != iteration:
            if self.by_epoch:
                self._is_due = False
                self._save(runner, f'iter_{iteration}.pth', meta)
            else:
                self._save_checkpoint_with_step(runner, iteration, meta)
        return Path(str(self.last_ckpt))

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        self._is_due = not is_between_updates(runner.optim_wrapper)
        if self._is_due:
            return
        outdated = self._keep(runner, step)
        runner.message_hub.update_info(_OUTDATED, outdated)
        self._save(runner, self.filename_tmpl.format(step), meta)
        self._remove_outdated(outdated)

    def _save(self, runner: Runner, name: str, meta: dict[str, Any]) -> None:
        require_finite(runner, self.out_dir)
        self._meta, self._saved_at = dict(meta), meta['iter']
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        self._meta = {}
        if is_main_process():
            with atomic_write(Path(runner.work_dir, 'last_checkpoint')) as note:
                note.write_text(self.last_ckpt)

    def _keep(self, runner: Runner, step: int) -> list[int]:
        """Note a step among those whose checkpoints are kept; gives the steps that are not kept any longer."""
        if self.max_keep_ckpts <= 0:
            return []
        steps = [*(kept for kept in self.keep_ckpt_ids if kept != step), step]
        self.keep_ckpt_ids = deque(steps, self.max_keep_ckpts)
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        return steps[: -self.max_keep_ckpts]

    def _remove_outdated(self, steps: Any) -> None:
        """Remove the checkpoints of some steps; a checkpoint may say anything here."""
        for step in steps if isinstance(steps, list) else []:
            if isinstance(step, int) and self.filename_tmpl.format(step) != Path(self.last_ckpt or '').name:
                self._remove(self.filename_tmpl.format(step))

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        if not self.save_best:
            return
        require_finite(runner, self.out_dir)
        before = self._best()
        self._meta = dict(epoch=runner.epoch, iter=runner.iter)
        # mmengine removes the best checkpoint before it writes the next one, unless it knows of none.
        self._put_best(dict.fromkeys(before))
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            after = self._best()
            self._put_best({key: after[key] or before[key] for key in before})
            self._meta = {}
        for key, path in before.items():
            if path and after[key] and path != after[key]:
                self._remove(Path(path).name)

    def _best(self) -> dict[Any, str | None]:
        """Paths of the best checkpoints, by the metrics' names; by ``None`` if there is one metric."""
        if not self.save_best:
            return {}
        if hasattr(self, 'best_ckpt_path_dict'):
            return dict(self.best_ckpt_path_dict)
        return {None: self.best_ckpt_path}

    def _put_best(self, paths: dict[Any, str | None]) -> None:
        if hasattr(self, 'best_ckpt_path_dict'):
            self.best_ckpt_path_dict.update(paths)
        elif paths:
            self.best_ckpt_path = paths[None]

    def _own(self, path: Any, *prefixes: str) -> str | None:
        """The checkpoint of this name in the own folder, which may have been moved or copied."""
        name = Path(str(path or '')).name
        return self.file_backend.join_path(self.out_dir, name) if name.startswith(prefixes or 'best_') else None

    def _remove(self, name: str) -> None:
        if not is_main_process():
            return
        path = Path(self.out_dir, name)
        if '://' in self.out_dir:
            self.file_backend.remove(self.file_backend.join_path(self.out_dir, name))
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _without_code(state: dict[str, Any]) -> dict[str, Any]:
    """The state of a scheduler without its functions, which it has from its settings and no checkpoint may bring."""
    return {key: value for key, value in state.items() if not callable(value)}
