"""What is measured on a trained network: IoU, whole and near borders, image-level mAP, how far matrices have moved."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from counts import REGIONS, as_array, count, mean_iou_of
from features import Features
from network import Network, stacked_masks
from torch import Tensor, nn

from mmseg_gdn.evaluation.image_level_map import average_precision
from mmseg_gdn.models import GlobalInterp
from mmseg_gdn.models.losses.multi_label_aux_loss import image_labels

_BATCH = 8


@torch.no_grad()
def judge(network: Network, features: Features) -> dict[str, Any]:
    """Judge a network on a data set, at the size of its masks.

    Args:
        network: Network in evaluation mode.
        features: What it sees, and the true masks.

    Returns:
        ``IoU`` of each class in percent (``None`` for a class neither predicted nor present), ``mIoU`` and
        ``mIoU_near_borders`` within 4 and 2 px, ``pixel_accuracy`` in percent, ``counts``, see :mod:`counts`, and
        ``image_level_mAP`` in percent: of the highest probability of each class in the image, and of the
        classification loss's logits (``None`` without them).
    """
    head = network.decode_head
    images, right, valid = [], 0, 0
    peaks, logits, present = [], [], []
    for indices in torch.arange(len(features)).split(_BATCH):
        inputs, samples = features.batch(indices)
        scores, labels = network.predict(inputs, samples)
        masks = stacked_masks(samples)
        for prediction, mask in zip(scores.argmax(1), masks):
            images.append(count(prediction, mask, head.num_classes, head.ignore_index))
            right += int(((prediction == mask) & (mask != head.ignore_index)).sum())
            valid += int((mask != head.ignore_index).sum())
        peaks.append(scores.float().softmax(1).amax((2, 3)))
        logits.append(labels)
        present.append(image_labels(masks, head.num_classes, head.ignore_index))
    counts = {region: [image[region] for image in images] for region in REGIONS}
    sums = {region: as_array(of_images, head.num_classes).sum(0) for region, of_images in counts.items()}
    miou = {region: float(mean_iou_of(of_region)) for region, of_region in sums.items()}
    iou = [100 * float(intersect / union) if union else None for intersect, union in sums['whole']]
    precision = dict(
        of_masks=_mean_precision(peaks, present),
        of_labels=None if logits[0] is None else _mean_precision(logits, present),
    )
    return dict(
        mIoU=miou.pop('whole'),
        mIoU_near_borders=miou,
        pixel_accuracy=100 * right / valid,
        IoU=iou,
        image_level_mAP=precision,
        counts=counts,
    )


def _mean_precision(scores: list[Tensor], present: list[Tensor]) -> float:
    """Mean average precision in percent, of the last K classes where there are K scores."""
    scores, present = torch.cat(scores).numpy(), torch.cat(present).numpy() > 0
    present = present[:, present.shape[1] - scores.shape[1] :]
    precisions = [average_precision(*pair) for pair in zip(scores.T, present.T) if pair[1].any()]
    return 100 * sum(precisions) / len(precisions)


def moved(interp: GlobalInterp) -> dict[str, float]:
    """How far the matrices are from bilinear interpolation, as a share of its size.

    Args:
        interp: Trained layer that started as bilinear interpolation.

    Returns:
        ``|K - start| / |start|`` in Frobenius norm, by the name of the matrix.
    """
    start = deepcopy(interp)
    start.reset_parameters()
    return {
        name: float((learned - begun).norm() / begun.norm())
        for (name, learned), (_, begun) in zip(interp.state_dict().items(), start.state_dict().items())
    }


def count_parameters(*modules: nn.Module) -> int:
    """Number of values in the parameters of some modules."""
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def upsampling_of(head: nn.Module) -> list[nn.Module]:
    """The module of a head that upsamples its scores, if it has one with weights."""
    return [getattr(head, name) for name in ('interp', 'deconv') if hasattr(head, name)]
