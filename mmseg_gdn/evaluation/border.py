"""How good is a segmentation near the borders of objects?"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import torch
from mmseg.evaluation import IoUMetric

VOID = 255


def near_borders(label: np.ndarray, distance: int) -> np.ndarray:
    """Which pixels lie close to a border between labels.

    Args:
        label: Class indices, shape (H, W); void pixels belong to the border.
        distance: Largest distance from the border, in pixels.

    Returns:
        Boolean map, shape (H, W).
    """
    flat = np.ones((3, 3), np.uint8)
    border = (cv2.dilate(label, flat) != cv2.erode(label, flat)) | (label == VOID)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * distance + 1,) * 2)
    return cv2.dilate(border.astype(np.uint8), disc) > 0


def border_miou(pairs: Iterable[tuple[np.ndarray, np.ndarray]], num_classes: int, distance: int = 4) -> float:
    """Mean IoU of the pixels near borders (the "trimap" measure of the CRF literature).

    Args:
        pairs: Predicted and true labels of each image, both (H, W), uint8.
        num_classes: Number of classes, background included.
        distance: See :func:`near_borders`.

    Returns:
        Mean over the classes that occur, in percent.
    """
    areas = []
    for prediction, label in pairs:
        narrow = np.where(near_borders(label, distance), label, VOID)
        # Copied, because what Pillow has read cannot be written, which PyTorch warns of.
        areas.append(IoUMetric.intersect_and_union(torch.tensor(prediction), torch.tensor(narrow), num_classes, VOID))
    intersect, union, _, _ = (sum(parts) for parts in zip(*areas))
    return 100 * float((intersect / union).nanmean())
