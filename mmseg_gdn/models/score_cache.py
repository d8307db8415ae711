"""Coarse scores on disk, for trainings that change nothing before them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Callable

import numpy as np
import torch
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor, nn

from mmseg_gdn.utils import InputError, atomic_write

_VERSIONS = 2  # of an image: as it is, and mirrored


class ScoreCache:
    """Computes the coarse scores of each image once, and reads them from a folder afterwards.

    Scores are found by the pixels that the network gets, and by its layers and weights, so they cannot be those of
    something else.
    An image may come in two versions, as it is and mirrored. Augmentation that gives it a new look each time would fill
    the disk without ever saving any work, and is refused. Several processes can share a folder.

    Args:
        folder: The folder; one subfolder for each state of the network. A map of 21x64x64 scores takes 344 kB.
        frozen: The modules that compute the scores.
        head: The decode head, whose settings decide how they do it; not all of its parts need be frozen.

    Raises:
        InputError: If one of their parameters is trained.
    """

    def __init__(self, folder: str | Path, frozen: dict[str, nn.Module], head: nn.Module | None = None) -> None:
        trained = [
            f'{part}.{name}'
            for part, module in frozen.items()
            for name, parameter in module.named_parameters()
            if parameter.requires_grad
        ]
        if trained:
            raise InputError(
                f'cache_scores keeps coarse scores, but {trained[0]} is trained and would change them; '
                "set train_only=['decode_head.interp'], or leave out cache_scores."
            )
        self._folder = Path(folder)
        self._frozen = frozen
        self._settings = _settings(head)
        self._of_weights: Path | None = None

    def scores(self, images: Tensor, samples: SampleList, compute: Callable[[Tensor], Tensor]) -> Tensor:
        """Coarse scores of images.

        Args:
            images: What the network gets, shape (N, 3, H, W).
            samples: Their samples, with ``img_path``.
            compute: Coarse scores (n, C, h, w) of some of the images (n, 3, H, W).

        Returns:
            Coarse scores, shape (N, C, h, w), without gradients.

        Raises:
            InputError: If an image comes in a third version, if ``compute`` gives more than one map for each image, or
                if the folder cannot be written.
        """
        paths = [self._path(image, sample.metainfo.get('img_path', '')) for image, sample in zip(images, samples)]
        kept = {index: scores for index, path in enumerate(paths) if (scores := _read(path)) is not None}
        missing = [index for index in range(len(paths)) if index not in kept]
        if missing:
            with torch.no_grad():
                computed = compute(images[missing])
            if not isinstance(computed, Tensor):
                raise InputError(
                    'cache_scores keeps one score map for each image, but this decode head computes '
                    'several outputs; leave out cache_scores.'
                )
            for index, scores in zip(missing, computed.float().cpu()):
                _require_few_versions(paths[index], samples[index])
                _write(paths[index], scores)
                kept[index] = scores
        return torch.stack([kept[index] for index in range(len(paths))]).to(images)

    def _path(self, image: Tensor, name: str) -> Path:
        if self._of_weights is None:
            # Not earlier, because checkpoints are loaded after the model is built.
            layers = f'{self._settings}{[_description(module) for module in self._frozen.values()]}'
            self._of_weights = self._folder / _digest(
                *(tensor for module in self._frozen.values() for tensor in module.state_dict().values()), text=layers
            )
        return self._of_weights / hashlib.blake2b(name.encode(), digest_size=8).hexdigest() / f'{_digest(image)}.npy'


def _description(module: nn.Module) -> str:
    """Layers and settings, also those that ``repr`` does not show, such as a head's ``align_corners``."""
    return f'{module}{[(name, _settings(part)) for name, part in module.named_modules()]}'


def _settings(module: nn.Module | None) -> list[tuple[str, str]]:
    values = {} if module is None else vars(module)
    return sorted(
        (name, repr(value))
        for name, value in values.items()
        if name != 'training' and not name.startswith('_') and _is_plain(value)
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _digest(*tensors: Tensor, text: str = '') -> str:
    state = hashlib.blake2b(text.encode(), digest_size=16)
    for tensor in tensors:
        state.update(str(tuple(tensor.shape)).encode())
        state.update(tensor.detach().cpu().contiguous().numpy().data)
    return state.hexdigest()


def _read(path: Path) -> Tensor | None:
    try:
        scores = np.load(path, allow_pickle=False)
    # NumPy reports damaged files by many kinds of exceptions.
    except Exception:
        return None  # not there yet, or damaged: computed again
    is_sound = isinstance(scores, np.ndarray) and scores.dtype == np.float32 and scores.ndim == 3
    return torch.from_numpy(scores) if is_sound else None


def _write(path: Path, scores: Tensor) -> None:
    with atomic_write(path) as partial:
        try:
            np.save(partial, scores.numpy())
        except OSError as error:
            raise InputError(
                f'Cannot keep coarse scores in {path.parent} ({error.strerror}); free some space, or '
                'leave out cache_scores.'
            ) from error


def _require_few_versions(path: Path, sample: SegDataSample) -> None:
    # What begins with a dot is being written, or was when a process was killed.
    others = [file for file in path.parent.glob('[!.]*.npy') if file != path]
    if len(others) >= _VERSIONS:
        raise InputError(
            f'{sample.metainfo.get("img_path")} comes in more than {_VERSIONS} versions. cache_scores '
            'needs images that are the same each time, or mirrored: leave out random crops, random scales '
            'and changes of color, and pad all images to one size. After a change of the pipeline, name '
            'another folder.'
        )
