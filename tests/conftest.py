"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_gdn.evaluation.voc_palette import voc_palette

ROOT = Path(__file__).parents[1]


@pytest.fixture
def root_dir() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture
def shared_dir() -> Path:
    """The folder with the golden Caffe arrays and the VOC extract, where this checkout has one beside it."""
    path = ROOT.parent / 'shared'
    if not path.is_dir():
        pytest.skip('the shared material (golden arrays, VOC extract) is not beside this checkout')
    return path


@pytest.fixture(autouse=True)
def _seed_and_scope() -> None:
    torch.manual_seed(0)
    init_default_scope('mmseg')


@pytest.fixture
def voc_root(tmp_path) -> Path:
    """A small folder in VOC's layout: train a b, aug c, val d e, test f g (without masks)."""
    root = tmp_path / 'VOCdevkit' / 'VOC2012'
    lists = {'train': 'ab', 'aug': 'c', 'val': 'de', 'test': 'fg'}
    masks = {'train': 'SegmentationClass', 'aug': 'SegmentationClassAug', 'val': 'SegmentationClass'}
    for folder in ('JPEGImages', 'SegmentationClass', 'SegmentationClassAug', 'ImageSets/Segmentation'):
        (root / folder).mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, ids in lists.items():
        (root / 'ImageSets/Segmentation' / f'{name}.txt').write_text('\n'.join(ids) + '\n')
        for index, image_id in enumerate(ids):
            size = (48 + 8 * index, 64)
            photo = generator.integers(0, 255, (*size, 3), dtype=np.uint8)
            Image.fromarray(photo).save(root / 'JPEGImages' / f'{image_id}.jpg')
            if name in masks:
                mask = np.zeros(size, np.uint8)
                mask[10:30, 20:40], mask[9, 20:40] = 12 + index, 255
                image = Image.fromarray(mask)
                image.putpalette(voc_palette().tobytes())
                image.save(root / masks[name] / f'{image_id}.png')
    return root
