"""What is measured on a trained head: IoU, whole and near borders, and how far the matrices have moved."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from counts import REGIONS, as_array, count, mean_iou_of
from features import Features
from mmseg.models.decode_heads.decode_head import BaseDecodeHead

from mmseg_gdn.models import GlobalInterp

_BATCH = 8


@torch.no_grad()
def judge(head: BaseDecodeHead, features: Features) -> dict[str, Any]:
    """Judge a head on a data set, at the size trained on.

    Args:
        head: Decode head.
        features: What it sees, and the true masks.

    Returns:
        ``IoU`` of each class in percent (``None`` for a class neither predicted nor present), ``mIoU`` and
        ``mIoU_near_borders`` within 4 and 2 px, ``pixel_accuracy`` in percent, and ``counts``, see :mod:`counts`.
    """
    head.eval()
    images, right, valid = [], 0, 0
    for indices in torch.arange(len(features)).split(_BATCH):
        inputs, samples = features.batch(indices)
        predictions = head.predict(inputs, [sample.metainfo for sample in samples], test_cfg=None).argmax(1)
        for prediction, sample in zip(predictions, samples):
            mask = sample.gt_sem_seg.data[0]
            images.append(count(prediction, mask, head.num_classes, head.ignore_index))
            right += int(((prediction == mask) & (mask != head.ignore_index)).sum())
            valid += int((mask != head.ignore_index).sum())
    counts = {region: [image[region] for image in images] for region in REGIONS}
    sums = {region: as_array(of_images, head.num_classes).sum(0) for region, of_images in counts.items()}
    miou = {region: float(mean_iou_of(of_region)) for region, of_region in sums.items()}
    iou = [100 * float(intersect / union) if union else None for intersect, union in sums['whole']]
    return dict(mIoU=miou.pop('whole'), mIoU_near_borders=miou, pixel_accuracy=100 * right / valid, IoU=iou,
                counts=counts)


def mean_iou(iou: list[float | None]) -> float:
    """Mean over the classes that occur, in percent."""
    present = [value for value in iou if value is not None]
    return sum(present) / len(present)


def moved(interp: GlobalInterp) -> dict[str, float]:
    """How far the matrices are from bilinear interpolation, as a share of its size.

    Args:
        interp: Trained layer that started as bilinear interpolation.

    Returns:
        ``|K - start| / |start|`` in Frobenius norm, by the name of the matrix.
    """
    start = deepcopy(interp)
    start.reset_parameters()
    return {name: float((learned - begun).norm() / begun.norm())
            for (name, learned), (_, begun) in zip(interp.state_dict().items(), start.state_dict().items())}
