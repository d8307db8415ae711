"""Two models' predictions of the same images: which is right where, and by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmseg_gdn.utils import InputError
from paired_files import Files, read_mask

BOTH_RIGHT, ONLY_A, ONLY_B, BOTH_WRONG, VOID = range(5)


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
        """What the second model has over the first, in percentage points."""
        return self.miou_b - self.miou_a


def compare(files: Mapping[str, Files], ignore_index: int) -> list[Comparison]:
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
                raise InputError(
                    f'{path} has {mask.shape[1]}x{mask.shape[0]} px, but {found.truth} has '
                    f'{truth.shape[1]}x{truth.shape[0]}.'
                )
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
    return list(scores[:best]), list(scores[len(scores) - worst :])[::-1]


def image_miou(prediction: np.ndarray, truth: np.ndarray, ignore_index: int) -> float:
    """Mean IoU over the classes that occur in the truth.

    A class that is predicted but not there counts by what it takes from those that are: a speck of it would weigh as
    much as a whole object otherwise.

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
    occurs = pairs.sum(1) > 0
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
