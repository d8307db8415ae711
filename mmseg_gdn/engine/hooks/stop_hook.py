"""Save a checkpoint when a training is asked to stop."""

from __future__ import annotations

from typing import Any

from mmengine.dist import barrier, get_world_size
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_gdn.engine.progress import greatest, is_between_updates
from mmseg_gdn.engine.stop_requests import StopRequests, name_of
from mmseg_gdn.utils.stopping import Stopped

from .durable_checkpoint_hook import DurableCheckpointHook


@HOOKS.register_module()
class StopHook(Hook):
    """On Ctrl-C, SIGTERM and SIGUSR1, ends training after the iteration at hand, with a checkpoint to go on from.

    Slurm sends such signals before the time of a job is over (``sbatch --signal``). With several processes, one that
    gets the signal is enough. A second Ctrl-C ends training at once. If validation is interrupted, it is repeated after
    resuming. The checkpoint is written by :class:`DurableCheckpointHook`; without that hook, none is saved.
    """

    # After checkpoints have been saved.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._requests = StopRequests()

    def before_train(self, runner: Runner) -> None:
        """Take signals.

        Args:
            runner: The runner of the training.
        """
        self._requests.watch()

    def after_train(self, runner: Runner) -> None:
        """Leave signals alone.

        Args:
            runner: The runner of the training.
        """
        self.release()

    def release(self) -> None:
        """Leave signals alone; for trainings that an exception has ended."""
        self._requests.release()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Stop between two iterations.

        Args:
            runner: The runner of the training.
            batch_idx: Index of the batch.
            data_batch: The batch.
            outputs: Results of the step.

        Raises:
            Stopped: If a signal has come.
        """
        self._stop_if_asked(runner, runner.iter + 1)

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Stop a validation, if there is one process; several need not have the same number of batches.

        Args:
            runner: The runner of the training.
            batch_idx: Index of the batch.
            data_batch: The batch.
            outputs: Results of the step.

        Raises:
            Stopped: If a signal has come.
        """
        if self._requests.received and get_world_size() == 1 and is_between_updates(runner.optim_wrapper):
            for hook in runner.hooks:
                if isinstance(hook, EMAHook):
                    # Validation has the averaged weights in the model's place.
                    hook.after_val_epoch(runner)
            self._stop_if_asked(runner, runner.iter)

    def after_val(self, runner: Runner) -> None:
        """Stop after a validation.

        Args:
            runner: The runner of the training.

        Raises:
            Stopped: If a signal has come.
        """
        self._stop_if_asked(runner, runner.iter)

    def _stop_if_asked(self, runner: Runner, iteration: int) -> None:
        signum = greatest(self._requests.received)
        if not signum or not is_between_updates(runner.optim_wrapper):
            return
        saver = next((hook for hook in runner.hooks if isinstance(hook, DurableCheckpointHook)), None)
        told = 'No checkpoint was saved.'
        if saver is not None:
            told = f'To go on from {saver.save_now(runner, iteration)}, add --resume.'
        barrier()
        self._requests.release()
        raise Stopped(f'Stopped by {name_of(signum)} after iteration {iteration}. {told}', signum)
