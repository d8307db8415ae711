"""How many images there are, before and after they have been downloaded."""

from __future__ import annotations

from mmseg_gdn.utils.ids import read_ids

from .settings import Settings

_OFFICIAL = {'train': 1464, 'aug': 9118, 'val': 1449, 'seg11valid': 736, 'test': 1456}


def count_images(settings: Settings, name: str) -> int:
    """Number of images in a list of the data set; that of VOC 2012 where the list does not exist yet.

    Args:
        settings: The user's options.
        name: Name of the list, such as 'val'.

    Returns:
        The number; 0 if a data set other than VOC 2012 lacks the list.
    """
    path = settings.ids(name)
    if path.is_file():
        return len(read_ids(path))
    return 0 if settings.is_small else _OFFICIAL[name]


def count_tested(settings: Settings) -> int:
    """Number of images of val that models are tested on."""
    total = count_images(settings, 'val')
    return total if settings.val_images is None else min(settings.val_images, total)


def tested_images(settings: Settings) -> str:
    """The images of val that models are tested on, in words."""
    tested, total = count_tested(settings), count_images(settings, 'val')
    return f'val, {total} images' if tested == total else f'val, first {tested} of {total} images'


def has_test_images(settings: Settings) -> bool:
    """Whether the images of the test list are there; VOC's come from the challenge's server, after registration."""
    path = settings.ids('test')
    return path.is_file() and all(
        (settings.data_root / 'JPEGImages' / f'{name}.jpg').is_file() for name in read_ids(path)
    )
