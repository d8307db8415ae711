"""Loading by stock names, with errors that name the file."""

import pytest
from mmseg.registry import DATASETS

from mmseg_gdn.utils import InputError


def build(root, pipeline=None):
    return DATASETS.build(dict(
        type='CheckedVOCDataset', data_root=str(root), ann_file='ImageSets/Segmentation/train.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
        pipeline=pipeline or [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
                              dict(type='PackSegInputs')]))


def test_loads_like_the_stock_data_set(voc_root):
    sample = build(voc_root)[0]
    assert sample['inputs'].shape == (3, 48, 64)
    assert sample['data_samples'].gt_sem_seg.shape == (48, 64)


@pytest.mark.parametrize(('file', 'message'), [('JPEGImages/a.jpg', r'The image .*a\.jpg cannot be read'),
                                              ('SegmentationClass/a.png', r'The mask .*a\.png cannot be read')])
def test_a_damaged_file_is_named(voc_root, file, message):
    (voc_root / file).write_bytes(b'no image')
    with pytest.raises(InputError, match=message):
        build(voc_root)[0]


def test_loading_inside_of_test_time_augmentation_is_checked(voc_root):
    (voc_root / 'SegmentationClass/a.png').write_bytes(b'no mask')
    dataset = build(voc_root, [dict(type='LoadImageFromFile'), dict(type='TestTimeAug', transforms=[
        [dict(type='RandomFlip', prob=0., direction='horizontal')], [dict(type='LoadAnnotations')],
        [dict(type='PackSegInputs')]])])
    with pytest.raises(InputError, match=r'The mask .*a\.png cannot be read'):
        dataset[0]
