"""Two models' predictions of the same images: which is right where, and by how much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.images import IMAGE_SUFFIXES

BOTH_RIGHT, ONLY_A, ONLY_B, BOTH_WRONG, VOID = range(5)


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


@dataclass(frozen=True)
class Comparison:
    """How well two models do on one image.

    Attributes:
        name: Name of the image.
        files: Its files.
        miou_a: Mean IoU of the first model in this image, in percent.
        miou_b: The same of the second model.
    """

    name: str
    files: Files
    miou_a: float
    miou_b: float

    @property
    def gain(self) -> float:
        """What the second model has over the first, in percent points."""
        return self.miou_b - self.miou_a


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
    masks = {folder: _by_name(folder, ('.png', )) for folder in (truth, a, b)}
    photos = _by_name(images, IMAGE_SUFFIXES)
    names = sorted(masks[a].keys() | masks[b].keys())
    if not names:
        raise InputError(f'Neither {a} nor {b} has predictions, which are PNGs of class indices.')
    for folder, found in ((images, photos), *masks.items()):
        missing = [name for name in names if name not in found]
        if missing:
            raise InputError(f'{folder} lacks {len(missing)} of the {len(names)} predicted images, the first of them '
                             f'{missing[0]}; files are paired by their names without suffix.')
    return {name: Files(photos[name], masks[truth][name], masks[a][name], masks[b][name]) for name in names}


def compare(files: dict[str, Files], ignore_index: int) -> list[Comparison]:
    """Score both predictions of each image.

    Args:
        files: Files by name.
        ignore_index: Label that is not counted.

    Returns:
        Comparisons, those first in which the second model gains most. Images with nothing to count are left out.

    Raises:
        InputError: If a mask is none, or if sizes differ.
    """
    scores = []
    for name, found in files.items():
        truth, a, b = (read_mask(path) for path in (found.truth, found.a, found.b))
        for path, mask in ((found.a, a), (found.b, b)):
            if mask.shape != truth.shape:
                raise InputError(f'{path} has {mask.shape[1]}x{mask.shape[0]} px, but {found.truth} has '
                                 f'{truth.shape[1]}x{truth.shape[0]}.')
        if (truth != ignore_index).any():
            scores.append(Comparison(name, found, *(image_miou(mask, truth, ignore_index) for mask in (a, b))))
    return sorted(scores, key=lambda score: -score.gain)


def best_and_worst(scores: Sequence[Comparison], count: int) -> tuple[list[Comparison], list[Comparison]]:
    """The images with the largest gains, and those with the smallest.

    Args:
        scores: Comparisons in the order of :func:`compare`.
        count: How many images to choose in all.

    Returns:
        The largest gains first, and the smallest first; no image twice.
    """
    count = min(count, len(scores))
    best, worst = count - count // 2, count // 2
    return list(scores[:best]), list(scores[len(scores) - worst:])[::-1]


def image_miou(prediction: np.ndarray, truth: np.ndarray, ignore_index: int) -> float:
    """Mean IoU over the classes that occur in the truth or in the prediction.

    Args:
        prediction: Class indices, shape (H, W), uint8.
        truth: The same; not ``ignore_index`` everywhere.
        ignore_index: Label of the truth that is not counted.

    Returns:
        Percent.
    """
    counted = truth != ignore_index
    pairs = np.bincount(256 * truth[counted].astype(np.int64) + prediction[counted], minlength=2**16).reshape(256, 256)
    union = pairs.sum(0) + pairs.sum(1) - pairs.diagonal()
    occurs = union > 0
    return 100 * float(np.mean(pairs.diagonal()[occurs] / union[occurs]))


def who_is_right(a: np.ndarray, b: np.ndarray, truth: np.ndarray, ignore_index: int) -> np.ndarray:
    """Which of two models is right in each pixel.

    Args:
        a: Class indices of the first model, shape (H, W).
        b: Class indices of the second.
        truth: True class indices.
        ignore_index: Label of the truth that is not counted.

    Returns:
        ``BOTH_RIGHT``, ``ONLY_A``, ``ONLY_B``, ``BOTH_WRONG`` or ``VOID``, shape (H, W).
    """
    right_a, right_b = a == truth, b == truth
    cases = [truth == ignore_index, right_a & right_b, right_a, right_b]
    return np.select(cases, [VOID, BOTH_RIGHT, ONLY_A, ONLY_B], BOTH_WRONG)


def read_mask(path: Path) -> np.ndarray:
    """Class indices in a PNG with a palette or with grey values.

    Args:
        path: The file.

    Returns:
        Shape (H, W), uint8.

    Raises:
        InputError: If it cannot be read or has colours.
    """
    try:
        with Image.open(path, formats=('PNG', )) as image:
            mode, mask = image.mode, np.array(image)
    # Pillow reports damaged files by many kinds of exceptions.
    except Exception as error:
        raise InputError(f'The mask {path} cannot be read ({type(error).__name__}).') from error
    if mode not in ('P', 'L', '1'):
        raise InputError(f'The mask {path} has colours (mode {mode}) instead of class indices; give masks as '
                         'tools/predict.py or tools/test.py --out write them.')
    return mask.astype(np.uint8)


def _by_name(folder: Path, suffixes: Iterable[str]) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f'There is no folder {folder}.')
    return {file.relative_to(folder).with_suffix('').as_posix(): file
            for file in sorted(folder.rglob('*')) if file.suffix.lower() in suffixes}
