"""Let a resumed training continue exactly as if it had not been interrupted."""

from __future__ import annotations

from typing import Any

from mmengine.dist import broadcast, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch.utils.data import DataLoader

from mmseg_gdn.engine.numbered_batches import NumberedBatches, rewind
from mmseg_gdn.engine.progress import counts_iterations, is_validation_due
from mmseg_gdn.engine.randomness import MODEL, seed_all
from mmseg_gdn.engine.training_data import BatchIterator, ShieldedInit, with_batches

_STATE = 'exact_resume'


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Makes the random numbers and the data of an iteration depend on nothing but the seed, the process and its number.

    The checkpoints of mmengine have no states of random generators, so dropout would draw other numbers after resuming.
    Its loop finds its place in the data by loading, and dropping, all batches that were trained on. Without a seed in
    the config, the order of the data changes as well. With this hook

    - each batch is augmented, and each iteration trained, with random numbers of its own, for any number of workers;
    - the place in the data is found by its number, without loading an image;
    - the order of the data is that of the interrupted training, with or without a seed in the config;
    - a validation that the interruption has prevented is made up for before training goes on;
    - several processes validate with the same running means, those that a checkpoint holds.

    It holds for mmengine's two training loops and for the samplers of mmengine and PyTorch that have a ``seed`` or draw
    at the start of a pass. A data loader without batches, or of a class of its own, is left as it is.
    """

    # Before all hooks that draw random numbers, and before checkpoints are saved.
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._batches: NumberedBatches | None = None
        self._resumed: dict[str, int] | None = None
        self._validated = 0

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Read what the interrupted training has stored.

        Args:
            runner: The runner of the training.
            checkpoint: What has been loaded.
        """
        if runner._resume:
            self._resumed = dict(checkpoint.get(_STATE, {}))
            self._validated = self._resumed.get('validated', 0)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Store the order of the data, and how far the training has been validated.

        Args:
            runner: The runner of the training.
            checkpoint: What will be saved.
        """
        state = dict(validated=self._validated)
        sampler = self._batches.sampler if self._batches else None
        if sampler is not None and hasattr(sampler, 'seed'):
            state['order'] = int(sampler.seed)
        checkpoint[_STATE] = state

    def before_train_epoch(self, runner: Runner) -> None:
        """Begin where the training is.

        Args:
            runner: The runner of the training.
        """
        if self._batches is None:
            self._replace_loader(runner)
        self._make_up_for_validation(runner)
        if self._batches is not None:
            _begin(self._batches, runner)

    def after_train(self, runner: Runner) -> None:
        """Validate if only the last validation was missing: then no further epoch begins.

        Args:
            runner: The runner of the training.
        """
        self._make_up_for_validation(runner)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Seed the process.

        Args:
            runner: The runner of the training.
            batch_idx: Index of the batch.
            data_batch: The batch.
        """
        seed_all(runner.seed, get_rank(), runner.iter, MODEL)

    def before_val(self, runner: Runner) -> None:
        """Validate what checkpoints hold: the first process's running means, of which each process has its own.

        Args:
            runner: The runner of the training.
        """
        if get_world_size() > 1:
            for buffer in runner.model.buffers():
                broadcast(buffer)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Note how far the training has been validated.

        Args:
            runner: The runner of the training.
            metrics: Results of the validation.
        """
        self._validated = runner.iter

    def _make_up_for_validation(self, runner: Runner) -> None:
        _shield_validation(runner)
        if self._resumed is not None and self._validated < runner.iter and is_validation_due(runner):
            runner.val_loop.run()
        self._resumed = None

    def _replace_loader(self, runner: Runner) -> None:
        loop = runner.train_loop
        loader = loop.dataloader
        if type(loader) is not DataLoader or loader.batch_sampler is None:
            return
        rewind(getattr(loader.batch_sampler, 'sampler', None), (self._resumed or {}).get('order'))
        self._batches = NumberedBatches(loader.batch_sampler, runner.seed, get_rank(), counts_iterations(loop))
        loop.dataloader = with_batches(loader, self._batches)


def _begin(batches: NumberedBatches, runner: Runner) -> None:
    loop = runner.train_loop
    if counts_iterations(loop):
        batches.begin_at(runner.iter, skipped=runner.iter)
        loop.dataloader_iterator = BatchIterator(loop.dataloader, done=runner.iter)
    else:
        done = runner.iter - runner.epoch * len(loop.dataloader)
        batches.begin_at(runner.iter, skipped=max(done, 0))


def _shield_validation(runner: Runner) -> None:
    loader = getattr(runner.val_loop, 'dataloader', None)
    if isinstance(loader, DataLoader) and not isinstance(loader.worker_init_fn, ShieldedInit):
        loader.worker_init_fn = ShieldedInit(loader.worker_init_fn)
