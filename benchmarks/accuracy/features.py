"""Features of a frozen trunk, computed once for each image and kept on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.registry import DATASETS
from mmseg.structures import SegDataSample
from recipe import DATA, dataset
from torch import Tensor

from mmseg_gdn.utils import atomic_write

Inputs = tuple[Tensor, ...]
_BATCH = 8


@dataclass(frozen=True)
class Features:
    """What the head sees of a data set.

    Attributes:
        maps: One per output index of the trunk, each (N, C, h, w); ``None`` where it is not kept.
        masks: Class indices (N, H, W), uint8, padded to the size trained on.
    """

    maps: tuple[Tensor | None, ...]
    masks: Tensor

    def __len__(self) -> int:
        return len(self.masks)

    def batch(self, indices: Tensor) -> tuple[Inputs, list[SegDataSample]]:
        """Inputs and samples of some images, as a decode head takes them."""
        inputs = tuple(None if maps is None else maps[indices].float() for maps in self.maps)
        return inputs, [_sample(mask) for mask in self.masks[indices]]


def _sample(mask: Tensor) -> SegDataSample:
    size = tuple(mask.shape)
    sample = SegDataSample(metainfo=dict(img_shape=size, pad_shape=size, ori_shape=size))
    sample.gt_sem_seg = PixelData(data=mask[None].long())
    return sample


@torch.no_grad()
def extract(model: EncoderDecoder, data: str, folder: Path, split: str, mirrored: bool = False) -> Features:
    """Run the trunk over a data set.

    Args:
        model: Its trunk is used as in testing, and its data preprocessor.
        data: Name of the data set.
        folder: Where it lies.
        split: ``'train'`` or ``'val'``.
        mirrored: Whether to mirror the images and masks.

    Returns:
        The features of stride 16 and 32.
    """
    flips = [dict(type='RandomFlip', prob=1.)] if mirrored else []
    images = DATASETS.build(dataset(data, folder, split, flips))
    model.eval()
    maps, masks = [], []
    for start in range(0, len(images), _BATCH):
        items = pseudo_collate([images[index] for index in range(start, min(start + _BATCH, len(images)))])
        batch = model.data_preprocessor(items, training=True)  # pads to one size, the masks as well
        maps.append([level.half() for level in model.extract_feat(batch['inputs'])[2:]])
        masks += [sample.gt_sem_seg.data[0].byte() for sample in batch['data_samples']]
    coarse = [torch.cat(level) for level in zip(*maps)]
    return Features((None, None, *coarse), torch.stack(masks))


def cached(model: EncoderDecoder, weights: Path, data: str, folder: Path, split: str, mirrored: bool,
           cache: Path, level: int) -> Features:
    """One level of what :func:`extract` gives, from a file where there is one for these weights and images.

    Args:
        model: See :func:`extract`.
        weights: File of the trunk's weights.
        data: See :func:`extract`.
        folder: See :func:`extract`.
        split: See :func:`extract`.
        mirrored: See :func:`extract`.
        cache: Folder of the files.
        level: Which output of the trunk to keep, 2 or 3.

    Returns:
        The features, with that level only.
    """
    key = hashlib.sha256(weights.read_bytes() + f'{folder.resolve()}{DATA[data]}'.encode()).hexdigest()[:8]
    path = cache / f'{data}_{split}{"_mirrored" if mirrored else ""}_{key}.pt'
    if not path.is_file():
        found = extract(model, data, folder, split, mirrored)
        with atomic_write(path) as partial:
            torch.save(dict(maps=found.maps, masks=found.masks), partial)
    stored = torch.load(path)
    maps = (level_maps if index == level else None for index, level_maps in enumerate(stored['maps']))
    return Features(tuple(maps), stored['masks'])
