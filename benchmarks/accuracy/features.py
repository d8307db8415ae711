"""Features of a frozen trunk, computed once for each view of an image and kept on disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from experiment import Experiment
from mmengine.dataset import pseudo_collate
from mmengine.runner import set_random_seed
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.registry import DATASETS
from mmseg.structures import SegDataSample
from recipe import DATA, dataset, full_size
from torch import Tensor

from mmseg_gdn.utils import atomic_write

Inputs = tuple[Tensor, ...]
_BATCH = 8
_CROPS_PER_IMAGE = 4


@dataclass(frozen=True)
class Features:
    """What the trained part of a network sees of a data set.

    Attributes:
        maps: One per output index of the trunk, each (N, C, h, w); ``None`` where it is not kept.
        masks: Class indices (N, H, W), uint8, padded to one size.
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


@dataclass(frozen=True)
class View:
    """How the images of a data set are looked at.

    Attributes:
        split: ``'train'`` or ``'val'``.
        mirrored: Whether all images and masks are mirrored.
        crops: Whether random crops are taken, some of them mirrored, several per image.
        scale: Factor on the size of the images.
    """

    split: str
    mirrored: bool = False
    crops: bool = False
    scale: float = 1.0

    @property
    def name(self) -> str:
        """Part of the name of a file."""
        scale = '' if self.scale == 1 else f'_x{self.scale:g}'
        return self.split + ('_mirrored' if self.mirrored else '') + ('_crops' if self.crops else '') + scale


@torch.no_grad()
def extract(model: EncoderDecoder, experiment: Experiment, folder: Path, view: View, level: int) -> Features:
    """Run the trunk over a data set.

    Args:
        model: Its trunk is used as in testing, and its data preprocessor.
        experiment: Names the data set and its size.
        folder: Where it lies.
        view: How the images are looked at.
        level: Which output of the trunk to keep.

    Returns:
        The features, with that level only.
    """
    model.eval()
    in_bfloat16 = experiment.network == 'largefov'  # five times as fast, and the trunk is not trained
    model.data_preprocessor.size = _size(experiment, view)
    maps, masks = [], []
    set_random_seed(0)  # the crops are the same for all seeds
    for _ in range(_CROPS_PER_IMAGE if view.crops else 1):
        images = DATASETS.build(dataset(experiment.data, folder, view.split, _transforms(experiment, view), view.scale))
        for start in range(0, len(images), _BATCH):
            items = pseudo_collate([images[index] for index in range(start, min(start + _BATCH, len(images)))])
            batch = model.data_preprocessor(items, training=True)  # pads to one size, the masks as well
            with torch.autocast('cpu', torch.bfloat16, enabled=in_bfloat16):
                maps.append(model.extract_feat(batch['inputs'])[level].half().cpu())
            masks += [sample.gt_sem_seg.data[0].byte().cpu() for sample in batch['data_samples']]
    return _at(level, torch.cat(maps), torch.stack(masks))


def _transforms(experiment: Experiment, view: View) -> list[dict]:
    if view.crops:
        return [dict(type='RandomFlip', prob=0.5), dict(type='RandomCrop', crop_size=full_size(experiment))]
    return [dict(type='RandomFlip', prob=1.0)] if view.mirrored else []


def _size(experiment: Experiment, view: View) -> tuple[int, int]:
    if view.crops:
        return full_size(experiment)
    return tuple(round(view.scale * side) for side in DATA[experiment.data]['size'])


def _at(level: int, maps: Tensor, masks: Tensor) -> Features:
    return Features((*[None] * level, maps), masks)


def cached(
    model: EncoderDecoder, weights: Path, experiment: Experiment, folder: Path, view: View, cache: Path, level: int
) -> Features:
    """What :func:`extract` gives, from a file where there is one for these weights and images.

    Args:
        model: See :func:`extract`.
        weights: File of the trunk's weights.
        experiment: See :func:`extract`.
        folder: See :func:`extract`.
        view: See :func:`extract`.
        cache: Folder of the files.
        level: See :func:`extract`.

    Returns:
        The features.
    """
    dilated = experiment.stride if level == 3 else ''
    key = hashlib.sha256(weights.read_bytes() + f'{folder.resolve()}{_size(experiment, view)}{dilated}'.encode())
    path = cache / f'{experiment.data}_{experiment.network}_{view.name}_level{level}_{key.hexdigest()[:8]}.pt'
    if not path.is_file():
        found = extract(model, experiment, folder, view, level)
        with atomic_write(path) as partial:
            torch.save(dict(maps=found.maps[level], masks=found.masks), partial)
    stored = torch.load(path, mmap=True, weights_only=True)
    return _at(level, stored['maps'], stored['masks'])
