"""From SBD's annotations to the masks and lists that VOC's augmented training set needs, by mmseg's own converter."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Callable

from mmseg_gdn.utils import InputError, atomic_write
from mmseg_gdn.utils.ids import read_ids


def convert_masks(
    annotations: Path,
    masks: Path,
    workers: int = 1,
    progress: Callable[[Iterable, int], Iterator] = lambda items, count: items,
) -> int:
    """Convert SBD's ``.mat`` files to masks; those that exist stay, so this goes on after a break.

    Args:
        annotations: SBD's folder ``cls``.
        masks: Where the PNG files go.
        workers: Number of processes.
        progress: Wraps the results as they arrive, to show progress.

    Returns:
        Number of masks in all.

    Raises:
        InputError: If an annotation cannot be converted.
    """
    names = sorted(path.stem for path in annotations.glob('*.mat'))
    missing = [name for name in names if not (masks / f'{name}.png').is_file()]
    masks.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        for _ in progress(pool.map(partial(_convert, annotations, masks), missing, chunksize=16), len(missing)):
            pass
    return len(names)


def merged_lists(sbd_lists: Iterable[Path], voc_lists: Path) -> tuple[list[str], list[str]]:
    """The images that train with SBD's masks, and all that train.

    Args:
        sbd_lists: SBD's own ``train.txt`` and ``val.txt``.
        voc_lists: VOC's folder ``ImageSets/Segmentation``.

    Returns:
        The names of ``aug.txt``, those of SBD that are neither in VOC's train nor in its val, sorted; and the names of
        ``trainaug.txt``, VOC's train followed by them.
    """
    train, val = (read_ids(voc_lists / f'{name}.txt') for name in ('train', 'val'))
    sbd = [image_id for path in sbd_lists for image_id in read_ids(path)]
    aug = sorted(_converter().generate_aug_list(sbd, train + val))
    return aug, train + aug


def write_list(path: Path, names: list[str]) -> None:
    """Write a list of image names, one per line."""
    with atomic_write(path) as unfinished:
        unfinished.write_text(''.join(f'{name}\n' for name in names))


def _convert(annotations: Path, masks: Path, name: str) -> None:
    # The converter writes into a folder; a mask moves to its place only when it is complete.
    with TemporaryDirectory(dir=masks, prefix='.') as unfinished:
        try:
            _converter().convert_mat(f'{name}.mat', str(annotations), unfinished)
        # SciPy reports damaged files by many kinds of exceptions.
        except Exception as error:
            raise InputError(
                f'{annotations / name}.mat cannot be converted ({type(error).__name__}: {error}); delete '
                'it and run this again.'
            ) from error
        Path(unfinished, f'{name}.png').replace(masks / f'{name}.png')


@cache
def _converter() -> ModuleType:
    mmseg = Path(importlib.util.find_spec('mmseg').origin).parent
    spec = importlib.util.spec_from_file_location(
        'voc_aug', mmseg / '.mim' / 'tools' / 'dataset_converters' / 'voc_aug.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
