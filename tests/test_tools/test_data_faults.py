"""Faults of the data that training and testing name, in data sets of mmseg itself as well."""

import sys

import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image

import train
from mmseg_gdn.utils import InputError

from ..test_datasets.test_named_images import FailOnImage


@pytest.fixture
def stock(child, voc_root):
    """Write a config that trains on mmseg's own data set of VOC."""

    def write(batch, steps=(), workers=0):
        pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), *steps,
                    dict(type='RandomCrop', crop_size=(48, 48)), dict(type='PackSegInputs')]
        return child(f"""
train_dataloader = dict(batch_size={batch}, num_workers={workers}, dataset=dict(
    _delete_=True, type='PascalVOCDataset', data_root={str(voc_root)!r}, pipeline={pipeline!r},
    ann_file='ImageSets/Segmentation/train.txt',
    data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass')))
""")

    return write


def run(config, folder, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['train.py', str(config), '--work-dir', str(folder)])
    train.main()


def test_a_mask_of_another_size_than_its_image(stock, voc_root, tmp_path, monkeypatch):
    Image.fromarray(np.zeros((24, 32), np.uint8)).save(voc_root / 'SegmentationClass/a.png')
    with pytest.raises(InputError, match=r'a\.png is 32x24 px, but its image .*a\.jpg is 64x48 px'):
        run(stock(batch=4), tmp_path / 'run', monkeypatch)
    dumped = next((tmp_path / 'run').glob('*.py')).read_text()
    assert 'LoadAnnotations' in dumped
    assert 'LoadChecked' not in dumped, "mmseg's inferencers would not find the names of the stock transforms"


def test_a_worker_that_is_killed(stock, tmp_path, monkeypatch):
    assert FailOnImage in TRANSFORMS.module_dict.values()
    with pytest.raises(InputError, match=r'A worker of the data loader .*is killed.* while at the image .*/b\.jpg;'):
        run(stock(2, [dict(type='FailOnImage', name='b.jpg', kill=True)], workers=1), tmp_path / 'run', monkeypatch)
