"""What is measured on a trained head: IoU of each class, and how far the matrices have moved."""

from __future__ import annotations

from copy import deepcopy

import torch
from features import Features
from mmseg.evaluation import IoUMetric
from mmseg.models.decode_heads.decode_head import BaseDecodeHead

from mmseg_gdn.models import GlobalInterp

_BATCH = 8


@torch.no_grad()
def iou_per_class(head: BaseDecodeHead, features: Features) -> tuple[list[float | None], float]:
    """Judge a head on a data set, at the size trained on.

    Args:
        head: Decode head.
        features: What it sees, and the true masks.

    Returns:
        IoU of each class in percent (``None`` for a class neither predicted nor present), and pixel accuracy in
        percent.
    """
    head.eval()
    areas = []
    for indices in torch.arange(len(features)).split(_BATCH):
        inputs, samples = features.batch(indices)
        predictions = head.predict(inputs, [sample.metainfo for sample in samples], test_cfg=None).argmax(1)
        areas += [IoUMetric.intersect_and_union(prediction, sample.gt_sem_seg.data[0], head.num_classes,
                                                head.ignore_index)
                  for prediction, sample in zip(predictions, samples)]
    intersect, union, _, labels = (torch.stack(parts).double().sum(0) for parts in zip(*areas))
    iou = [100 * i / u if u else None for i, u in zip(intersect.tolist(), union.tolist())]
    return iou, 100 * float(intersect.sum() / labels.sum())


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
