"""Faults of the data that training and testing name, in data sets of mmseg itself as well."""

import runpy
import sys
import tarfile

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.datasets import PascalVOCDataset
from mmseg.registry import MODELS, TRANSFORMS
from PIL import Image

import train
from mmseg_gdn.evaluation.check_submission import check_submission
from mmseg_gdn.utils import InputError

from ..test_datasets.test_named_images import FailOnImage


@pytest.fixture
def stock(child, voc_root):
    """Write a config that trains on mmseg's own data set of VOC."""

    def write(batch, steps=(), workers=0):
        pipeline = [
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            *steps,
            dict(type='RandomCrop', crop_size=(48, 48)),
            dict(type='PackSegInputs'),
        ]
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
    # PyTorch learns of it by a signal or by waiting in vain, whichever comes first.
    told = r'A worker of the data loader .*(is killed|exited unexpectedly).* while at the image .*/b\.jpg;'
    with pytest.raises(InputError, match=told):
        run(stock(2, [dict(type='FailOnImage', name='b.jpg', kill=True)], workers=1), tmp_path / 'run', monkeypatch)


@pytest.fixture
def submit(gdn_config, tmp_path, root_dir, voc_root, monkeypatch):
    """Run tools/test.py on VOC's list of tests with random weights; gives the masks in the archive, by name."""
    monkeypatch.syspath_prepend(root_dir / 'tools')
    main = runpy.run_path(str(root_dir / 'tools/test.py'))['main']
    torch.save(dict(state_dict=MODELS.build(Config.fromfile(gdn_config).model).state_dict()), tmp_path / 'model.pth')

    def run(config):
        out, ids = tmp_path / 'a.tgz', voc_root / 'ImageSets/Segmentation/test.txt'
        monkeypatch.setattr(
            sys,
            'argv',
            [
                'test.py',
                str(config),
                str(tmp_path / 'model.pth'),
                '--work-dir',
                str(tmp_path / 'run'),
                '--submission',
                str(out),
                '--ids',
                str(ids),
            ],
        )
        main()
        assert check_submission(out, ['f', 'g'], voc_root / 'JPEGImages') == (2, [])
        with tarfile.open(out) as tar:
            return {member.name[-5]: np.asarray(Image.open(tar.extractfile(member))) for member in tar}

    return run


def test_archives_have_vocs_numbers_and_the_sizes_that_are_stored(submit, gdn_config, child, voc_root):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(voc_root / 'JPEGImages/f.jpg').save(voc_root / 'JPEGImages/f.jpg', exif=exif)
    order = np.random.default_rng(0).permutation(21)
    names = np.array(PascalVOCDataset.METAINFO['classes'])[order].tolist()
    plain = submit(gdn_config)
    ordered = submit(child(f'test_dataloader = dict(dataset=dict(metainfo=dict(classes={names!r})))'))
    assert plain['f'].shape == (48, 64)
    assert all(np.array_equal(ordered[name], order[plain[name]]) for name in 'fg')
