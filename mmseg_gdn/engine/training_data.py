"""The data loader of a training that may begin in the middle."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any, Callable

from torch.utils.data import DataLoader

from .numbered_batches import NumberedBatches


def with_batches(loader: DataLoader, batches: NumberedBatches) -> DataLoader:
    """A data loader like another one, with other batches.

    Args:
        loader: The loader that mmengine has built.
        batches: The batches.

    Returns:
        The loader, whose workers leave it to their main process how a training is stopped.
    """
    return DataLoader(
        loader.dataset,
        batch_sampler=batches,  # type: ignore[arg-type]  # DataLoader asks for lists, but only iterates over them
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        pin_memory=loader.pin_memory,
        timeout=loader.timeout,
        worker_init_fn=ShieldedInit(loader.worker_init_fn),
        multiprocessing_context=loader.multiprocessing_context,
        prefetch_factor=loader.prefetch_factor,
        persistent_workers=loader.persistent_workers,
    )


class ShieldedInit:
    """Initialises a worker so that a signal to all processes of a training does not end it before the others.

    A terminal sends Ctrl-C to all of them, and Slurm its warnings. The main process ends the workers when it has saved.

    Args:
        init: What initialises the worker besides.
    """

    def __init__(self, init: Callable[[int], None] | None) -> None:
        self._init = init

    def __call__(self, worker: int) -> None:
        """Initialise a worker."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        if hasattr(signal, 'sigwaitinfo'):
            # Handlers do not learn who has sent a signal. Other threads inherit that it is blocked.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            threading.Thread(target=_end_when_the_parent_says, daemon=True).start()
        if self._init is not None:
            self._init(worker)


class BatchIterator:
    """What :class:`mmengine.runner.IterBasedTrainLoop` takes its batches from.

    Args:
        loader: A loader with endless batches.
        done: How many batches the loop will ask for first because it has trained on them; they are not loaded.
    """

    def __init__(self, loader: DataLoader, done: int) -> None:
        self._loader = loader
        self._done = done
        self._iterator: Iterator[Any] | None = None

    def __iter__(self) -> BatchIterator:
        return self

    def __next__(self) -> Any:
        if self._done:
            self._done -= 1
            return None
        if self._iterator is None:
            self._iterator = iter(self._loader)
        return next(self._iterator)

    def skip_iter(self, num_iters: int) -> None:
        """Leave out batches that have been trained on; the OneDL stack's loop calls this.

        Args:
            num_iters: How many.
        """
        self._done -= num_iters


def _end_when_the_parent_says() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
