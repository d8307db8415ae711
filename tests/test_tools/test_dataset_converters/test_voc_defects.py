"""The checker of VOC folders."""

import numpy as np
import pytest
from PIL import Image

from voc_defects import count_defects, file_defects, list_defects, read_lists


def test_a_sound_folder(voc_root):
    lists = read_lists(voc_root)
    assert lists == {'train': ['a', 'b'], 'val': ['d', 'e'], 'test': ['f', 'g'], 'trainaug': ['a', 'b', 'c']}
    assert list(list_defects(lists)) == []
    assert file_defects(voc_root, lists) == []


def test_counts_are_vocs():
    full = {name: ['x'] * count for name, count in (('train', 1464), ('val', 1449), ('trainaug', 10582))}
    assert list(count_defects(full)) == []
    assert list(count_defects({**full, 'val': ['x']})) == ['val: 1 images instead of 1449']
    del full['trainaug']
    assert list(count_defects(full)) == ['trainaug: the list is missing']


def test_names_in_two_lists():
    lists = {'train': ['a', 'a'], 'val': ['b', 'c'], 'trainaug': ['a', 'b']}
    assert list(list_defects(lists)) == ['a: named 2 times by train', 'b: in val and in trainaug']


def spoil_missing_image(root):
    (root / 'JPEGImages/a.jpg').unlink()


def spoil_missing_test_image(root):
    (root / 'JPEGImages/f.jpg').unlink()


def spoil_missing_mask(root):
    (root / 'SegmentationClassAug/c.png').unlink()


def spoil_truncated_image(root):
    path = root / 'JPEGImages/a.jpg'
    path.write_bytes(path.read_bytes()[:400])


def spoil_values(root):
    Image.fromarray(np.full((48, 64), 21, np.uint8)).save(root / 'SegmentationClass/a.png')


def spoil_mode(root):
    Image.new('RGB', (64, 48)).save(root / 'SegmentationClass/a.png')


def spoil_size(root):
    Image.new('L', (64, 47)).save(root / 'SegmentationClass/a.png')


@pytest.mark.parametrize(('spoil', 'defect'), [
    (spoil_missing_image, 'JPEGImages/a.jpg: missing'),
    (spoil_missing_test_image, "f.jpg: missing; VOC's test images come in a separate archive"),
    (spoil_missing_mask, 'c.png: missing'),
    (spoil_truncated_image, 'JPEGImages/a.jpg: cannot be read'),
    (spoil_values, 'SegmentationClass/a.png: holds 21, but only 0..20 and 255'),
    (spoil_mode, 'a.png: a mask of mode RGB'),
    (spoil_size, 'a.png: 64x47 px, but its image is 64x48 px'),
])
def test_one_line_per_defect(voc_root, spoil, defect):
    spoil(voc_root)
    defects = file_defects(voc_root, read_lists(voc_root))
    assert len(defects) == 1
    assert defect in defects[0]


def test_the_real_extract_is_sound(voc_extract):
    lists = read_lists(voc_extract)
    assert {name: len(ids) for name, ids in lists.items()} == {'train': 492, 'val': 264, 'trainaug': 945}
    lists = {name: ids[:20] for name, ids in lists.items()}
    assert file_defects(voc_extract, lists) == []
