"""Photographs, true masks and the masks of two models, paired by their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmseg_gdn.utils import InputError, masks
from mmseg_gdn.utils.images import IMAGE_SUFFIXES


@dataclass(frozen=True)
class Files:
    """The files of one image.

    Attributes:
        image: Photograph.
        truth: True class indices.
        a: Predictions of the first model.
        b: Predictions of the second model.
    """

    image: Path
    truth: Path
    a: Path
    b: Path


def find_files(images: Path, truth: Path, a: Path, b: Path) -> dict[str, Files]:
    """Pair files by their names, sub-folders included.

    Args:
        images: Folder of photographs.
        truth: Folder of true masks, possibly of more images than were predicted.
        a: Folder of one model's masks.
        b: Folder of the other's.

    Returns:
        Files by name, in the order of the names.

    Raises:
        InputError: If there are no predictions, or if a file is missing.
    """
    by_folder = {folder: _by_name(folder, ('.png',)) for folder in (truth, a, b)}
    photos = _by_name(images, IMAGE_SUFFIXES)
    names = sorted(by_folder[a].keys() | by_folder[b].keys())
    if not names:
        raise InputError(f'Neither {a} nor {b} has predictions, which are PNGs of class indices.')
    for folder, found in ((images, photos), *by_folder.items()):
        missing = [name for name in names if name not in found]
        if missing:
            raise InputError(
                f'{folder} lacks {len(missing)} of the {len(names)} predicted images, the first of them '
                f'{missing[0]}; files are paired by their names without suffix.'
            )
    return {name: Files(photos[name], by_folder[truth][name], by_folder[a][name], by_folder[b][name]) for name in names}


def read_mask(path: Path) -> np.ndarray:
    """Class indices in a PNG with a palette or with grey values.

    Args:
        path: The file.

    Returns:
        Shape (H, W), uint8.

    Raises:
        InputError: If it cannot be read, or has colours or numbers that are no class.
    """
    mask = masks.read_mask(path)
    if mask.values[-1] > 255:
        raise InputError(
            f'The mask {path} holds {mask.values[-1]}, but there are 256 classes at most; give masks as '
            'tools/predict.py or tools/test.py --out write them.'
        )
    return mask.labels.astype(np.uint8)


def _by_name(folder: Path, suffixes: Iterable[str]) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f'There is no folder {folder}.')
    return {
        file.relative_to(folder).with_suffix('').as_posix(): file
        for file in sorted(folder.rglob('*'))
        if file.suffix.lower() in suffixes
    }
