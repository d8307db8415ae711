"""The counts of mmseg's confusion matrix."""

import numpy as np
import pytest
from mmseg.datasets import ADE20KDataset
from PIL import Image

from mmseg_gdn.datasets.checked_voc import CheckedVOCDataset
from stock_confusion import count_pixels

STEPS = [dict(type='LoadAnnotations'), dict(type='PackSegInputs')]


@pytest.fixture
def voc(voc_root):
    """The validation images in an order that is not that of their names, with all 21 classes and void."""
    for name, size in (('d', (48, 64)), ('e', (56, 64))):
        labels = np.random.default_rng(ord(name)).integers(0, 22, size, dtype=np.uint8)
        labels[labels == 21] = 255
        Image.fromarray(labels).save(voc_root / f'SegmentationClass/{name}.png')
    (voc_root / 'ImageSets/Segmentation/val.txt').write_text('e\nd\n')
    return CheckedVOCDataset(
        data_root=str(voc_root),
        ann_file='ImageSets/Segmentation/val.txt',
        pipeline=STEPS,
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
    )


@pytest.fixture
def predictions(voc_root, tmp_path):
    """The masks themselves, with class 7 for void, beside a file that is no prediction."""
    folder = tmp_path / 'predictions'
    folder.mkdir()
    (folder / 'a note.txt').touch()
    for name in 'de':
        labels = np.asarray(Image.open(voc_root / f'SegmentationClass/{name}.png'))
        Image.fromarray(np.where(labels == 255, 7, labels)).save(folder / f'{name}.png')
    return folder


def test_the_truth_against_itself_is_diagonal(voc, predictions):
    matrix = count_pixels(voc, predictions)
    assert matrix.shape == (21, 21)
    assert np.array_equal(matrix, np.diag(np.diag(matrix)))
    assert matrix[20, 20] > 0
    assert matrix.sum() == sum((np.asarray(sample['data_samples'].gt_sem_seg.data) != 255).sum() for sample in voc)


def test_rows_are_true_classes(voc, predictions):
    labels = np.asarray(Image.open(predictions / 'd.png'))
    Image.fromarray(np.where(labels == 20, 13, labels)).save(predictions / 'd.png')
    matrix = count_pixels(voc, predictions)
    assert matrix[20, 13] == (labels == 20).sum()
    assert matrix[13, 20] == 0


def ade20k(folder):
    prefix = dict(img_path='images', seg_map_path='masks')
    return ADE20KDataset(data_root=str(folder), img_suffix='.png', pipeline=STEPS, data_prefix=prefix)


def test_data_sets_whose_masks_begin_at_one(tmp_path):
    for folder, value in (('images', 0), ('masks', 150), ('predictions', 150)):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.full((4, 5), value, np.uint8)).save(tmp_path / folder / 'a.png')
    matrix = count_pixels(ade20k(tmp_path), tmp_path / 'predictions')
    assert matrix[149, 149] == matrix.sum() == 20


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda path: path.unlink(), r'There is no prediction .*d\.png'),
        (
            lambda path: Image.fromarray(np.zeros((5, 5), np.uint8)).save(path),
            r'shape \(5, 5\), but its mask \(48, 64\)',
        ),
        (lambda path: Image.fromarray(np.full((48, 64), 21, np.uint8)).save(path), 'none of the 21 classes'),
    ],
)
def test_predictions_that_do_not_fit(spoil, message, voc, predictions):
    spoil(predictions / 'd.png')
    with pytest.raises(ValueError, match=message):
        count_pixels(voc, predictions)


def test_masks_of_another_data_set(tmp_path):
    for folder, value in (('images', 0), ('masks', 151), ('predictions', 150)):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.full((4, 5), value, np.uint8)).save(tmp_path / folder / 'a.png')
    with pytest.raises(ValueError, match=r'The mask of .*a\.png holds 150, but there are 150 classes'):
        count_pixels(ade20k(tmp_path), tmp_path / 'predictions')
