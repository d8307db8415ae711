"""Loading by stock names, with errors that name the file."""

import numpy as np
import pytest
from mmengine.dataset import pseudo_collate
from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_gdn.utils import InputError


def build(root, pipeline=None):
    return DATASETS.build(
        dict(
            type='CheckedVOCDataset',
            data_root=str(root),
            ann_file='ImageSets/Segmentation/train.txt',
            data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
            pipeline=pipeline
            or [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')],
        )
    )


def test_loads_like_the_stock_data_set(voc_root):
    sample = build(voc_root)[0]
    assert sample['inputs'].shape == (3, 48, 64)
    assert sample['data_samples'].gt_sem_seg.shape == (48, 64)


@pytest.mark.parametrize(
    ('file', 'message'),
    [
        ('JPEGImages/a.jpg', r'The image .*a\.jpg cannot be read'),
        ('SegmentationClass/a.png', r'The mask .*a\.png cannot be read'),
    ],
)
def test_a_damaged_file_is_named(voc_root, file, message):
    (voc_root / file).write_bytes(b'no image')
    with pytest.raises(InputError, match=message):
        build(voc_root)[0]


def test_loading_inside_of_test_time_augmentation_is_checked(voc_root):
    (voc_root / 'SegmentationClass/a.png').write_bytes(b'no mask')
    dataset = build(
        voc_root,
        [
            dict(type='LoadImageFromFile'),
            dict(
                type='TestTimeAug',
                transforms=[
                    [dict(type='RandomFlip', prob=0.0, direction='horizontal')],
                    [dict(type='LoadAnnotations')],
                    [dict(type='PackSegInputs')],
                ],
            ),
        ],
    )
    with pytest.raises(InputError, match=r'The mask .*a\.png cannot be read'):
        dataset[0]


def test_paths_are_those_of_the_stock_data_set(voc_root):
    stock = PascalVOCDataset(
        data_root=str(voc_root),
        ann_file='ImageSets/Segmentation/train.txt',
        pipeline=[],
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
    )
    checked = build(voc_root)
    assert [checked.get_data_info(index) for index in range(2)] == [stock.get_data_info(index) for index in range(2)]


def test_lists_of_other_editors(voc_root):
    (voc_root / 'ImageSets/Segmentation/train.txt').write_bytes(b'\xef\xbb\xbfa \r\n\r\nb\r\n\r\n')
    assert [build(voc_root).get_data_info(index)['img_path'].split('/')[-1] for index in range(2)] == ['a.jpg', 'b.jpg']


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda path: path.write_text(''), r'train\.txt names no images'),
        (lambda path: path.write_text('a\n../b\n'), r"train\.txt has '\.\./b' in line 2"),
        (lambda path: (path.unlink(), path.mkdir()), r'train\.txt cannot be read, because it is a folder'),
    ],
)
def test_lists_that_are_none(voc_root, spoil, message):
    spoil(voc_root / 'ImageSets/Segmentation/train.txt')
    with pytest.raises(InputError, match=message):
        build(voc_root)


TRAIN = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
VALIDATE = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(32, 32), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]


@pytest.mark.parametrize('pipeline', [TRAIN, VALIDATE])
@pytest.mark.parametrize('batch', [1, 2])
@pytest.mark.parametrize('size', [(32, 24), (128, 96), (64, 47), (48, 64)])
def test_masks_of_another_size_than_their_image(voc_root, pipeline, batch, size):
    """Before any batch is collated, in training and in validation."""
    Image.fromarray(np.zeros(size[::-1], np.uint8)).save(voc_root / 'SegmentationClass/b.png')
    dataset = build(voc_root, pipeline)
    wanted = rf'b\.png is {size[0]}x{size[1]} px, but its image .*/b\.jpg is 64x56 px'
    with pytest.raises(InputError, match=wanted):
        pseudo_collate([dataset[index] for index in range(2 - batch, 2)])
