"""Pixels of each class in each image, from which every IoU and its uncertainty follow."""

from __future__ import annotations

import numpy as np
import torch
from mmseg.evaluation import IoUMetric
from torch import Tensor

from mmseg_gdn.evaluation.border import VOID, near_borders

REGIONS = {'whole': None, '4px': 4, '2px': 2}  # distance from borders within which pixels count


def count(prediction: Tensor, mask: Tensor, num_classes: int, ignore_index: int) -> dict[str, str]:
    """Count the pixels of one image.

    Args:
        prediction: Predicted classes, shape (H, W).
        mask: True classes, shape (H, W).
        num_classes: Number of classes.
        ignore_index: Label of the pixels that do not count.

    Returns:
        For each region of ``REGIONS``: ``class:intersection/union`` of each class that occurs, in pixels, such as
        ``'0:512/600 3:80/240'``.
    """
    labels = np.where(mask.numpy() == ignore_index, VOID, mask.numpy()).astype(np.uint8)
    return {
        name: _count(
            prediction,
            labels if distance is None else np.where(near_borders(labels, distance), labels, VOID),
            num_classes,
        )
        for name, distance in REGIONS.items()
    }


def _count(prediction: Tensor, labels: np.ndarray, num_classes: int) -> str:
    intersect, union, _, _ = IoUMetric.intersect_and_union(
        prediction.byte(), torch.from_numpy(labels), num_classes, VOID
    )
    return ' '.join(
        f'{index}:{int(intersect[index])}/{int(union[index])}' for index in range(num_classes) if union[index]
    )


def as_array(images: list[str], num_classes: int) -> np.ndarray:
    """The counts of one region as an array.

    Args:
        images: What :func:`count` gives for the region, for each image.
        num_classes: Number of classes.

    Returns:
        Intersection and union, shape (images, classes, 2), in pixels.
    """
    counts = np.zeros((len(images), num_classes, 2))
    for image, classes in zip(counts, images):
        for entry in classes.split():
            index, areas = entry.split(':')
            image[int(index)] = [int(area) for area in areas.split('/')]
    return counts


def mean_iou_of(counts: np.ndarray) -> np.ndarray:
    """Mean IoU of summed counts.

    Args:
        counts: Intersections and unions, shape (..., classes, 2).

    Returns:
        Mean over the classes that occur, in percent, shape (...).
    """
    occurs = counts[..., 1] > 0
    iou = counts[..., 0] / np.maximum(counts[..., 1], 1)
    return 100 * (iou * occurs).sum(-1) / np.maximum(occurs.sum(-1), 1)
