"""Lists of images that follow from those of VOC and SBD."""

from __future__ import annotations

import sys
from pathlib import Path

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.download import download
from mmseg_gdn.utils.ids import read_ids
from mmseg_gdn.utils.sources import Source
from sbd_masks import merged_lists, write_list

COUNTS = {'trainaug': 10582, 'trainvalaug': 12031, 'seg11valid': 736}


def add_missing_lists(lists: Path, source: Source, downloads: Path, any_count: bool = False) -> None:
    """Write ``trainvalaug.txt`` and ``seg11valid.txt`` unless they exist.

    A list of FCN that cannot be downloaded causes a warning only, because a single config needs it.

    Args:
        lists: VOC's folder ``ImageSets/Segmentation``.
        source: FCN's list.
        downloads: Folder for downloads.
        any_count: Whether VOC's lists may be those of an extract.

    Raises:
        InputError: If a list that they follow from is missing, or does not lead to the right number of images.
    """
    if not (lists / 'trainvalaug.txt').is_file():
        write_derived('trainvalaug', trainvalaug(lists), lists, any_count)
    if not (lists / 'seg11valid.txt').is_file():
        try:
            published = download(source, downloads)
        except InputError as error:
            print(
                f'warning: {lists} gets no seg11valid.txt, which is needed to test configs/gdn/fcn32s_voc11valid.py: '
                f'{error}',
                file=sys.stderr,
            )
            return
        write_derived('seg11valid', published_seg11valid(published, lists, any_count), lists, any_count)


def trainaug(lists: Path, sbd: Path | None = None) -> list[str]:
    """VOC's train and the images that SBD adds to it.

    Args:
        lists: VOC's folder ``ImageSets/Segmentation``.
        sbd: SBD's folder ``dataset``, needed only if there is no ``aug.txt`` in ``lists``.

    Returns:
        The names, those of train first.

    Raises:
        InputError: If a list is missing.
    """
    if sbd is not None:
        return merged_lists([sbd / 'train.txt', sbd / 'val.txt'], lists)[1]
    if not (lists / 'aug.txt').is_file():
        raise InputError(
            f'There is no {lists / "aug.txt"}, which names the images that SBD adds; run '
            "tools/dataset_converters/get_voc.py, or give SBD's folder dataset by --sbd."
        )
    return read_ids(lists / 'train.txt') + read_ids(lists / 'aug.txt')


def trainvalaug(lists: Path, sbd: Path | None = None) -> list[str]:
    """The images of :func:`trainaug` and of VOC's val, for trainings whose results go to the test server."""
    return trainaug(lists, sbd) + read_ids(lists / 'val.txt')


def seg11valid(voc2011_val: Path, sbd: Path) -> list[str]:
    """The images that FCN is validated on: VOC 2011's val without SBD's train.

    They do not follow from VOC 2012's lists, because its val has images more, some of which SBD's train lacks as well.

    Args:
        voc2011_val: VOC 2011's ``ImageSets/Segmentation/val.txt``.
        sbd: SBD's folder ``dataset``.

    Returns:
        The names, in the order of VOC's list.

    Raises:
        InputError: If a list is missing.
    """
    trained_on = set(read_ids(sbd / 'train.txt'))
    return [name for name in read_ids(voc2011_val) if name not in trained_on]


def published_seg11valid(published: Path, lists: Path, any_count: bool = False) -> list[str]:
    """The images of FCN's own list.

    Args:
        published: The file.
        lists: VOC 2012's folder ``ImageSets/Segmentation``.
        any_count: Whether VOC's val may be an extract; names that it lacks are then left out.

    Returns:
        The names.

    Raises:
        InputError: If a list is missing, or if VOC's val lacks some of the names.
    """
    names, val = read_ids(published), set(read_ids(lists / 'val.txt'))
    missing = [name for name in names if name not in val]
    if missing and not any_count:
        raise InputError(
            f'{lists / "val.txt"} lacks {len(missing)} of the {len(names)} images that {published} names, '
            f"the first of them {missing[0]}; use VOC 2012's own val.txt, or add --any-count for an "
            'extract.'
        )
    return [name for name in names if name in val]


def write_derived(name: str, names: list[str], lists: Path, any_count: bool = False) -> None:
    """Check a list by its number of images and write it.

    Args:
        name: The list, one of :data:`COUNTS`.
        names: Its images.
        lists: VOC's folder ``ImageSets/Segmentation``.
        any_count: Whether any number will do.

    Raises:
        InputError: See :func:`require_count`.
    """
    require_count(name, names, any_count)
    write_list(lists / f'{name}.txt', names)
    print(f'{lists}: {name}.txt has {len(names)} images')


def require_count(name: str, names: list[str], any_count: bool = False) -> None:
    """Check that a list has as many images as the published one.

    Args:
        name: The list, one of :data:`COUNTS`.
        names: Its images.
        any_count: Whether any number will do.

    Raises:
        InputError: If the number is another.
    """
    if len(names) != COUNTS[name] and not any_count:
        raise InputError(
            f'The list {name} would have {len(names)} images instead of {COUNTS[name]}; use the complete '
            'lists of VOC and SBD, or add --any-count for an extract.'
        )
