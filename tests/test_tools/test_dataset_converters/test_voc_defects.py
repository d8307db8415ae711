"""The checker of VOC folders."""

import os

import numpy as np
import pytest
from PIL import Image

from voc_defects import class_defects, count_defects, file_defects, list_defects, read_lists


def test_a_sound_folder(voc_root):
    lists, unusable = read_lists(voc_root)
    assert unusable == {}
    assert lists == {'train': ['a', 'b'], 'val': ['d', 'e'], 'test': ['f', 'g'], 'trainaug': ['a', 'b', 'c']}
    assert list(list_defects(lists)) == []
    defects, counts = file_defects(voc_root, lists)
    assert defects == []
    assert counts == {
        'train': {0: 2, 12: 1, 13: 1, 255: 2},
        'val': {0: 2, 12: 1, 13: 1, 255: 2},
        'trainaug': {0: 3, 12: 2, 13: 1, 255: 3},
    }
    assert list(class_defects(counts)) == []


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


def spoil_image_data(root):
    path = root / 'JPEGImages/a.jpg'
    content = bytearray(path.read_bytes())
    content[1500:1564] = bytes(64)
    path.write_bytes(content)


def spoil_image_by_a_pipe(root):
    (root / 'JPEGImages/a.jpg').unlink()
    os.mkfifo(root / 'JPEGImages/a.jpg')


def spoil_mask_by_a_pipe(root):
    (root / 'SegmentationClass/a.png').unlink()
    os.mkfifo(root / 'SegmentationClass/a.png')


def spoil_image_by_a_folder(root):
    (root / 'JPEGImages/a.jpg').unlink()
    (root / 'JPEGImages/a.jpg').mkdir()


def spoil_values(root):
    Image.fromarray(np.full((48, 64), 21, np.uint8)).save(root / 'SegmentationClass/a.png')


def spoil_mode(root):
    Image.new('RGB', (64, 48)).save(root / 'SegmentationClass/a.png')


def spoil_size(root):
    Image.new('L', (64, 47)).save(root / 'SegmentationClass/a.png')


def spoil_orientation(root):
    exif = Image.Exif()
    exif[0x0112] = 3
    path = root / 'JPEGImages/a.jpg'
    Image.open(path).save(path, exif=exif)


def spoil_16_bits(root):
    Image.fromarray(np.full((48, 64), 256 * 15, np.uint16)).save(root / 'SegmentationClass/a.png')


def spoil_palette(root):
    mask = Image.open(root / 'SegmentationClass/a.png')
    mask.convert('RGB').convert('P', palette=Image.Palette.ADAPTIVE).save(root / 'SegmentationClass/a.png')


@pytest.mark.parametrize(
    ('spoil', 'defect'),
    [
        (spoil_missing_image, 'JPEGImages/a.jpg: missing'),
        (spoil_missing_test_image, "f.jpg: missing; VOC's test images come in a separate archive"),
        (spoil_missing_mask, 'c.png: missing'),
        (spoil_truncated_image, 'JPEGImages/a.jpg: cannot be read'),
        (spoil_image_data, 'JPEGImages/a.jpg: is damaged (Corrupt JPEG data: '),
        (spoil_image_by_a_pipe, 'JPEGImages/a.jpg: is a pipe, not a file'),
        (spoil_mask_by_a_pipe, 'SegmentationClass/a.png is a pipe, not a file'),
        (spoil_image_by_a_folder, 'JPEGImages/a.jpg: cannot be read (IsADirectoryError)'),
        (spoil_values, 'SegmentationClass/a.png: holds 21, but only 0..20 and 255'),
        (spoil_16_bits, 'SegmentationClass/a.png: holds 3840, but only 0..20 and 255'),
        (spoil_mode, 'a.png of mode RGB has 3 channels'),
        (spoil_orientation, 'a.jpg: asks viewers to turn it (EXIF orientation 3), but is read as it is stored'),
        (spoil_palette, "a.png: has the colour of VOC's label"),
        (spoil_size, 'a.png: 64x47 px, but its image is 64x48 px'),
    ],
)
def test_one_line_per_defect(voc_root, spoil, defect):
    spoil(voc_root)
    defects, _ = file_defects(voc_root, read_lists(voc_root)[0])
    assert defect in defects[0]
    assert len({line.split(': ')[0] for line in defects}) == 1, defects


def test_masks_of_any_depth(voc_root):
    for name, labels in (('a', np.full((48, 64), 15, np.uint16)), ('b', np.eye(56, 64, dtype=bool))):
        Image.fromarray(labels).save(voc_root / f'SegmentationClass/{name}.png')
    defects, counts = file_defects(voc_root, {'train': ['a', 'b']})
    assert defects == []
    assert counts == {'train': {15: 1, 0: 1, 1: 1}}


def test_masks_of_0_and_255_only(voc_root):
    for name in 'ab':
        path = voc_root / f'SegmentationClass/{name}.png'
        Image.fromarray(255 * (np.asarray(Image.open(path)) > 0).astype(np.uint8)).save(path)
    defects, counts = file_defects(voc_root, read_lists(voc_root)[0])
    assert defects == []
    assert list(class_defects(counts)) == [
        'train: no mask holds an object (1..20), only 0, 255; masks need class indices, such as 15 for a person'
    ]


@pytest.mark.parametrize(
    ('content', 'problem'),
    [(b'a\xff\n', 'is not UTF-8'), (b'', 'names no images'), (b'a  1\n', 'several columns'), (b'a\na\n', 'twice')],
)
def test_lists_that_are_none(voc_root, content, problem):
    (voc_root / 'ImageSets/Segmentation/val.txt').write_bytes(content)
    lists, unusable = read_lists(voc_root)
    assert 'val' not in lists
    assert problem in unusable['val']
    assert 'val: the list is missing' not in list(count_defects(lists, unusable))


def test_lists_of_other_editors(voc_root):
    (voc_root / 'ImageSets/Segmentation/train.txt').write_bytes(b'\xef\xbb\xbfa\r\n\r\nb  \r\n')
    assert read_lists(voc_root)[0]['train'] == ['a', 'b']


def test_the_real_extract_is_sound(voc_extract):
    lists, _ = read_lists(voc_extract)
    assert {name: len(ids) for name, ids in lists.items()} == {'train': 492, 'val': 264, 'trainaug': 945}
    lists = {name: ids[:20] for name, ids in lists.items()}
    assert file_defects(voc_extract, lists)[0] == []


def test_a_list_of_one_line_and_two_columns(voc_root):
    (voc_root / 'ImageSets/Segmentation/val.txt').write_text('d 1\n')
    defects, _ = file_defects(voc_root, {'val': read_lists(voc_root)[0]['val']})
    assert len(defects) == 2
    assert all(line.endswith('missing (if the image is d, remove the second column)') for line in defects)
