"""Is a VOC 2012 folder complete and sound?"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Callable

from PIL import Image

from mmseg_gdn.evaluation.voc_palette import NUM_CLASSES, VOID, misleading_colours
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.damage import complaint_about, is_cut_off
from mmseg_gdn.utils.ids import hint_at_column, read_ids
from mmseg_gdn.utils.images import orientation
from mmseg_gdn.utils.masks import Mask, read_mask
from mmseg_gdn.utils.regular import other_kind

EXPECTED = {'train': 1464, 'val': 1449, 'trainaug': 10582, 'test': 1456}
_MASKS = {
    'train': ('SegmentationClass',),
    'val': ('SegmentationClass',),
    'test': (),
    'trainaug': ('SegmentationClass', 'SegmentationClassAug'),
}
_LABELS = {*range(NUM_CLASSES), VOID}
_FORMATS = ('JPEG', 'PNG', 'BMP', 'TIFF', 'WEBP')
_NO_TEST_IMAGE = (
    "missing; VOC's test images come in a separate archive, which the challenge's server provides after registration"
)


def read_lists(root: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The image names of each list in ``ImageSets/Segmentation``, and what is wrong with the lists that are none.

    mmseg's converter for SBD writes ``aug.txt``: the images that trainaug has beyond train. trainaug is then both
    together. Lists that do not exist or cannot be used are not in the result.
    """
    lists, unusable = {}, {}
    for name in ('train', 'val', 'aug', 'trainaug', 'test'):
        path = root / 'ImageSets' / 'Segmentation' / f'{name}.txt'
        if path.exists():
            try:
                lists[name] = read_ids(path)
            except InputError as error:
                unusable[name] = str(error)
    aug = lists.pop('aug', None)
    if aug is not None and 'train' in lists:
        lists['trainaug'] = lists['train'] + aug
    return lists, unusable


def count_defects(lists: dict[str, list[str]], unusable: Container[str] = ()) -> Iterator[str]:
    """One line per list that is missing or does not have VOC's number of images."""
    for name, expected in EXPECTED.items():
        if name not in lists:
            if name != 'test' and name not in unusable:
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


def file_defects(
    root: Path,
    lists: dict[str, list[str]],
    workers: int = 1,
    progress: Callable[[Iterable, int], Iterable] = lambda items, count: items,
) -> tuple[list[str], dict[str, Counter[int]]]:
    """Read every image and mask the lists name.

    Args:
        root: The folder ``VOC2012``.
        lists: Image names by list.
        workers: Number of processes.
        progress: Wraps the results as they arrive, to show progress.

    Returns:
        One line per missing or unreadable file, illegal value, misleading colour, image that asks to be turned or
        mismatch of sizes; and for each list with masks the number of masks that hold each label.
    """
    folders = {image_id: _MASKS[name] for name in lists for image_id in lists[name]}
    names = sorted(folders)
    check = partial(_check_pair, root)
    with ProcessPoolExecutor(workers) as pool:
        results = pool.map(check, names, (folders[name] for name in names), chunksize=16)
        checked = dict(zip(names, progress(results, len(names))))
    defects = [defect for name in names for defect in checked[name][0]]
    counts = {
        name: Counter(label for image_id in ids for label in checked[image_id][1])
        for name, ids in lists.items()
        if _MASKS[name]
    }
    return defects, counts


def class_defects(counts: dict[str, Counter[int]]) -> Iterator[str]:
    """One line per list whose masks hold no object, as those of 0 and 255 only that mean something else."""
    for name, labels in counts.items():
        if labels and not any(0 < label < NUM_CLASSES for label in labels):
            found = ', '.join(map(str, sorted(labels)))
            yield (
                f'{name}: no mask holds an object (1..{NUM_CLASSES - 1}), only {found}; masks need class indices, '
                'such as 15 for a person'
            )


def _check_pair(root: Path, image_id: str, mask_folders: tuple[str, ...]) -> tuple[list[str], list[int]]:
    """Defects of an image and its mask, and the labels in the mask."""
    defects: list[str] = []
    photo = root / 'JPEGImages' / f'{image_id}.jpg'
    size = _image_size(photo, defects, 'missing' if mask_folders else _NO_TEST_IMAGE)
    if not mask_folders:
        return defects, []
    candidates = [root / folder / f'{image_id}.png' for folder in mask_folders]
    path = next((path for path in candidates if path.exists()), candidates[0])
    try:
        mask = read_mask(path)
    except FileNotFoundError:
        return [*defects, f'{path}: missing{hint_at_column(image_id)}'], []
    except InputError as error:
        return [*defects, str(error)], []
    defects.extend(_mask_defects(path, mask))
    height, width = mask.labels.shape
    if size not in (None, (width, height)):
        defects.append(f'{path}: {width}x{height} px, but its image is {size[0]}x{size[1]} px')
    return defects, mask.values


def _image_size(path: Path, defects: list[str], if_missing: str) -> tuple[int, int] | None:
    """Width and height of an image as it is stored."""
    kind = other_kind(path)
    if kind is not None or not path.exists():
        defects.append(f'{path}: {f"is {kind}, not a file" if kind else if_missing}{hint_at_column(path.stem)}')
        return None
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            image.load()
            size = image.size
    # Pillow reports broken files by many kinds of exceptions.
    except Exception as error:
        defects.append(f'{path}: cannot be read ({type(error).__name__})')
        return None
    complaint = 'its end is missing' if is_cut_off(content) else complaint_about(content)
    if complaint:
        defects.append(f'{path}: is damaged ({complaint}); replace it with a fresh copy')
    turn = orientation(io.BytesIO(content))
    if turn > 1:
        defects.append(
            f'{path}: asks viewers to turn it (EXIF orientation {turn}), but is read as it is stored; store '
            'it as its mask was drawn, without this tag'
        )
    return size


def _mask_defects(path: Path, mask: Mask) -> Iterator[str]:
    illegal = [label for label in mask.values if label not in _LABELS]
    if illegal:
        yield f'{path}: holds {", ".join(map(str, illegal[:5]))}, but only 0..{NUM_CLASSES - 1} and {VOID} are labels'
        return
    for value, label in misleading_colours(mask):
        yield f"{path}: has the colour of VOC's label {label} for the value {value}; save class indices"
