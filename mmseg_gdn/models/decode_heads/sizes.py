"""Sizes of full-size scores, from what mmseg passes to ``loss_by_feat`` and ``predict_by_feat``."""

from __future__ import annotations

import torch
from mmseg.utils import SampleList

Size = tuple[int, int]


def label_size(batch_data_samples: SampleList) -> Size:
    """Height and width of the ground-truth masks of a batch, in pixels."""
    return tuple(batch_data_samples[0].gt_sem_seg.shape[-2:])


def input_size(batch_img_metas: list[dict]) -> Size:
    """Height and width of the network's input in pixels, padding included.

    Slide inference writes the size of its window into ``img_shape`` as a ``torch.Size`` and leaves the
    ``pad_shape`` of the whole image unchanged.
    """
    meta = batch_img_metas[0]
    in_window = isinstance(meta['img_shape'], torch.Size)
    shape = meta['img_shape'] if in_window else meta.get('pad_shape', meta['img_shape'])
    return int(shape[0]), int(shape[1])
