"""Batches that know their number, so that a training can begin at any of them without loading those before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any

from mmengine.dataset import InfiniteSampler
from torch.utils.data import Sampler

from .randomness import IMAGES, ORDER, seed_all


class SeededBatch:
    """The indices of a batch. Reading them seeds the process, so that augmentations depend on the batch alone.

    A data loader reads them where it loads the images: in a worker, or in the main process if there are no workers.

    Args:
        indices: Indices into the data set.
        key: What the random numbers depend on.
    """

    def __init__(self, indices: Sequence[int], key: tuple[int, ...]) -> None:
        self._indices = tuple(indices)
        self._key = key

    def __iter__(self) -> Iterator[int]:
        seed_all(*self._key)
        return iter(self._indices)

    def __len__(self) -> int:
        return len(self._indices)


class NumberedBatches:
    """A batch sampler that begins where a training is.

    Args:
        batches: The batch sampler of the config.
        seed: Seed of the training.
        rank: The process, among those that train together.
        endless: Whether the batches of all passes over the data are one sequence, for loops that count iterations.
    """

    def __init__(self, batches: Any, seed: int, rank: int, endless: bool) -> None:
        self.batches = batches
        self._seed = seed
        self._rank = rank
        self._endless = endless
        self._first, self._skipped = 0, 0

    @property
    def sampler(self) -> Sampler | None:
        """The sampler of single images, where mmengine's hooks look for it."""
        return getattr(self.batches, 'sampler', None)

    def begin_at(self, number: int, skipped: int) -> None:
        """Set where the next iterator begins.

        Args:
            number: Number of its first batch, counted from the start of the training.
            skipped: How many batches lie between the start of the sequence and that one.
        """
        self._first, self._skipped = number, skipped

    def __iter__(self) -> Iterator[SeededBatch]:
        sequence = self._all_passes() if self._endless else self._pass(self._first - self._skipped)
        for number, indices in enumerate(islice(sequence, self._skipped, None), self._first):
            yield SeededBatch(indices, (self._seed, self._rank, number, IMAGES))

    def __len__(self) -> int:
        return len(self.batches)

    def _all_passes(self) -> Iterator[list[int]]:
        for epoch in count():
            sampler = self.sampler
            if sampler is not None and hasattr(sampler, 'set_epoch'):
                sampler.set_epoch(epoch)
            yield from self._pass(epoch)

    def _pass(self, number: int) -> Iterator[list[int]]:
        # Samplers of PyTorch without a seed draw their order from the process's generator.
        seed_all(self._seed, self._rank, number, ORDER)
        return iter(self.batches)


def rewind(sampler: Sampler | None, seed: int | None) -> None:
    """Put a sampler back to the start of its order.

    Args:
        sampler: One of mmengine's samplers, or another that starts anew with every iterator.
        seed: The seed of its order; ``None`` keeps the one it has.
    """
    if seed is not None and sampler is not None and hasattr(sampler, 'seed'):
        sampler.seed = seed
    if isinstance(sampler, InfiniteSampler):
        # All its iterators share one generator, from which the workers of the first have drawn already.
        sampler.indices = sampler._indices_of_rank()
