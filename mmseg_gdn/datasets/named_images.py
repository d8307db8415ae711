"""Which image a data set or a worker of a data loader failed on."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmseg.registry import DATASETS

from mmseg_gdn.utils import InputError

_SLOTS, _SLOT = 256, 1024  # number, bytes
# Shared with the workers, which are forked from this process. A process owns the slot of its id's remainder.
_RECORD = mmap.mmap(-1, _SLOTS * _SLOT)
_DEAD_WORKER = re.compile(r'DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\) (.*)')


class ImageError(RuntimeError):
    """A transform has failed, for a reason that is not the image's alone: the message names the image."""


@DATASETS.register_module()
class NamedImages:
    """A data set whose failures name the image, and that notes the image at work where other processes can read it.

    Args:
        dataset: Config of the data set, which this one otherwise behaves like.
    """

    def __init__(self, dataset: dict) -> None:
        self.dataset = DATASETS.build(dataset)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """The sample of an index.

        Raises:
            ImageError: If a transform fails; an :class:`InputError` is left as it is.
        """
        path = self._path(index)
        _note(path)
        try:
            return self.dataset[index]
        except InputError:
            raise
        except Exception as error:
            raise ImageError(f'The image {path} could not be prepared ({type(error).__name__}: {error}).') from error

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__') or 'dataset' not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def _path(self, index: int) -> str:
        try:
            return str(self.dataset.get_data_info(index)['img_path'])
        # Data sets of other kinds may have neither.
        except (AttributeError, KeyError, NotImplementedError, TypeError):
            return f'of index {index}'


@contextmanager
def naming_dead_workers() -> Iterator[None]:
    """Say which image the worker of a data loader had when it was killed.

    Raises:
        InputError: In place of PyTorch's error that knows the process only.
    """
    try:
        yield
    except RuntimeError as error:
        found = _DEAD_WORKER.search(str(error))
        if found is None:
            raise
        pids = [int(pid) for pid in found[1].split(',')]
        images = [image for image in map(last_image, pids) if image is not None]
        where = f' while at the image {" or ".join(images)}' if images else ''
        reason = found[2].split('. ')[0].rstrip('.')
        raise InputError(
            f'A worker of the data loader (process {found[1]}) {reason}{where}; if the memory did not '
            'suffice, set fewer workers (num_workers of the data loader) or a smaller batch, else look '
            'at this image.'
        ) from error


def last_image(pid: int) -> str | None:
    """The image that a worker of this process has begun last.

    Args:
        pid: Id of the worker's process.

    Returns:
        Path of the image; ``None`` if it has begun none.
    """
    start = pid % _SLOTS * _SLOT
    owner, _, path = _RECORD[start : start + _SLOT].rstrip(b'\0').partition(b' ')
    return path.decode(errors='replace') if owner == str(pid).encode() else None


def _note(path: str) -> None:
    pid = os.getpid()
    start = pid % _SLOTS * _SLOT
    _RECORD[start : start + _SLOT] = f'{pid} {path}'.encode(errors='replace')[:_SLOT].ljust(_SLOT, b'\0')
