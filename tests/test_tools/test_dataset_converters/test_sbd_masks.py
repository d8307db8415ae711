"""SBD's annotations as masks, and the merged lists."""

import numpy as np
import pytest
from PIL import Image

from mmseg_gdn.utils import InputError
from sbd_masks import convert_masks, merged_lists, write_list
from voc_defects import EXPECTED

from .sbd import SBD_MASK, write_sbd


@pytest.fixture
def sbd(tmp_path):
    return write_sbd(tmp_path / 'SBD', {'train': 'dca', 'val': 'ef'})


def test_masks_hold_the_classes_of_the_annotations(sbd, tmp_path):
    masks = tmp_path / 'masks'
    assert convert_masks(sbd / 'cls', masks) == 5
    assert sorted(path.name for path in masks.iterdir()) == [f'{name}.png' for name in 'acdef']
    with Image.open(masks / 'e.png') as image:
        np.testing.assert_array_equal(np.asarray(image), SBD_MASK)


def test_masks_that_exist_stay(sbd, tmp_path):
    masks, shown = tmp_path / 'masks', []
    convert_masks(sbd / 'cls', masks)
    (masks / 'c.png').write_bytes(b'older')
    (masks / 'd.png').unlink()
    assert convert_masks(sbd / 'cls', masks, 2, lambda items, count: shown.append(count) or items) == 5
    assert shown == [1]
    assert (masks / 'c.png').read_bytes() == b'older'
    assert (masks / 'd.png').is_file()


def test_a_damaged_annotation_leaves_no_mask(sbd, tmp_path):
    (sbd / 'cls/c.mat').write_bytes(b'damaged')
    with pytest.raises(InputError, match=r'c.mat cannot be converted .* delete it and run this again'):
        convert_masks(sbd / 'cls', tmp_path / 'masks')
    assert not (tmp_path / 'masks/c.png').exists()
    assert not [path for path in (tmp_path / 'masks').iterdir() if path.is_dir()]


def test_lists(sbd, voc_root):
    """VOC trains on a and b and validates on d and e."""
    aug, trainaug = merged_lists([sbd / 'train.txt', sbd / 'val.txt'], voc_root / 'ImageSets/Segmentation')
    assert aug == ['c', 'f']
    assert trainaug == ['a', 'b', 'c', 'f']


def test_lists_of_real_length_give_vocs_count(tmp_path):
    """SBD's 8498 and 2857 images, 2237 of which VOC's train and val have as well."""
    train, val = ([f'{part}{index}' for index in range(EXPECTED[part])] for part in ('train', 'val'))
    sbd = [f'more{index}' for index in range(9118)] + train[:1100] + val[:1137]
    for name, names in (('train', train), ('val', val), ('sbd_train', sbd[:8498]), ('sbd_val', sbd[8498:])):
        write_list(tmp_path / f'{name}.txt', names)
    aug, trainaug = merged_lists([tmp_path / 'sbd_train.txt', tmp_path / 'sbd_val.txt'], tmp_path)
    assert len(aug) == 9118
    assert len(trainaug) == EXPECTED['trainaug']


def test_a_written_list(tmp_path):
    write_list(tmp_path / 'new/list.txt', ['b', 'a'])
    assert (tmp_path / 'new/list.txt').read_text() == 'b\na\n'
