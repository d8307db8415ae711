"""Is a VOC 2012 folder complete and sound?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Callable

import numpy as np
from PIL import Image

EXPECTED = {'train': 1464, 'val': 1449, 'trainaug': 10582, 'test': 1456}
_MASKS = {'train': ('SegmentationClass', ), 'val': ('SegmentationClass', ), 'test': (),
          'trainaug': ('SegmentationClass', 'SegmentationClassAug')}
_LABELS = {*range(21), 255}
_NO_TEST_IMAGE = ("missing; VOC's test images come in a separate archive, which the challenge's server provides after "
                  'registration')


def read_lists(root: Path) -> dict[str, list[str]]:
    """The image names of each list in ``ImageSets/Segmentation``.

    mmseg's converter for SBD writes ``aug.txt``: the images that trainaug has beyond train. trainaug is then both
    together. Lists that do not exist are not in the result.
    """
    lists = {}
    for name in ('train', 'val', 'aug', 'trainaug', 'test'):
        path = root / 'ImageSets' / 'Segmentation' / f'{name}.txt'
        if path.is_file():
            lists[name] = path.read_text().split()
    aug = lists.pop('aug', None)
    if aug is not None and 'train' in lists:
        lists['trainaug'] = lists['train'] + aug
    return lists


def count_defects(lists: dict[str, list[str]]) -> Iterator[str]:
    """One line per list that does not have VOC's number of images."""
    for name, expected in EXPECTED.items():
        if name not in lists:
            if name != 'test':
                yield f'{name}: the list is missing'
        elif len(lists[name]) != expected:
            yield f'{name}: {len(lists[name])} images instead of {expected}'


def list_defects(lists: dict[str, list[str]]) -> Iterator[str]:
    """One line per name that occurs twice in a list, or in both training and validation or test."""
    for name, ids in lists.items():
        for image_id, count in Counter(ids).items():
            if count > 1:
                yield f'{image_id}: named {count} times by {name}'
    for one, other in combinations(lists, 2):
        if {one, other} != {'train', 'trainaug'}:
            for image_id in sorted(set(lists[one]) & set(lists[other])):
                yield f'{image_id}: in {one} and in {other}'


def file_defects(root: Path, lists: dict[str, list[str]], workers: int = 1,
                 progress: Callable[[Iterable, int], Iterable] = lambda items, count: items) -> list[str]:
    """Read every image and mask the lists name.

    Args:
        root: The folder ``VOC2012``.
        lists: Image names by list.
        workers: Number of processes.
        progress: Wraps the results as they arrive, to show progress.

    Returns:
        One line per missing or unreadable file, illegal value or mismatch of sizes.
    """
    folders = {image_id: _MASKS[name] for name in lists for image_id in lists[name]}
    names = sorted(folders)
    check = partial(_pair_defects, root)
    with ProcessPoolExecutor(workers) as pool:
        results = pool.map(check, names, (folders[name] for name in names), chunksize=16)
        return [defect for defects in progress(results, len(names)) for defect in defects]


def _pair_defects(root: Path, image_id: str, mask_folders: tuple[str, ...]) -> list[str]:
    defects: list[str] = []
    image = _open(root / 'JPEGImages' / f'{image_id}.jpg', defects, 'missing' if mask_folders else _NO_TEST_IMAGE)
    if mask_folders:
        candidates = [root / folder / f'{image_id}.png' for folder in mask_folders]
        path = next((path for path in candidates if path.is_file()), candidates[0])
        mask = _open(path, defects)
        if mask is not None:
            defects.extend(_mask_defects(path, mask))
        if image is not None and mask is not None and image.size != mask.size:
            defects.append(f'{path}: {mask.size[0]}x{mask.size[1]} px, but its image is '
                           f'{image.size[0]}x{image.size[1]} px')
    return defects


def _open(path: Path, defects: list[str], if_missing: str = 'missing') -> Image.Image | None:
    if not path.is_file():
        defects.append(f'{path}: {if_missing}')
        return None
    try:
        with Image.open(path) as image:
            image.load()
            return image
    # Pillow reports broken files by many kinds of exceptions.
    except Exception as error:
        defects.append(f'{path}: cannot be read ({type(error).__name__})')
        return None


def _mask_defects(path: Path, mask: Image.Image) -> Iterator[str]:
    if mask.mode not in ('P', 'L'):
        yield f'{path}: a mask of mode {mask.mode} holds no class indices'
        return
    illegal = sorted(set(np.unique(np.asarray(mask)).tolist()) - _LABELS)
    if illegal:
        yield f'{path}: holds {", ".join(map(str, illegal[:5]))}, but only 0..20 and 255 are labels'
