"""Loading with clear errors, and Caffe's sizes."""

import numpy as np
import pytest
from PIL import Image

from mmseg_gdn.datasets import ClampSize, LoadVOCAnnotations, LoadVOCImage, ShrinkLabels
from mmseg_gdn.utils import InputError


def load_mask(path):
    return LoadVOCAnnotations()(dict(seg_map_path=str(path), reduce_zero_label=False, seg_fields=[]))


def test_image(tmp_path):
    path = tmp_path / 'a.png'
    Image.new('RGB', (5, 4), (10, 20, 30)).save(path)
    image = LoadVOCImage()(dict(img_path=str(path)))['img']
    assert image.shape == (4, 5, 3)
    assert image[0, 0].tolist() == [30, 20, 10]


@pytest.mark.parametrize('content', [b'', b'\xff\xd8\xff\xe0 no more'])
def test_unreadable_image(tmp_path, content):
    path = tmp_path / 'a.jpg'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'The image .*a\.jpg cannot be read .*check_voc\.py'):
        LoadVOCImage()(dict(img_path=str(path)))


def test_missing_image(tmp_path):
    with pytest.raises(InputError, match=r'There is no image .*a\.jpg, although the list of the data set names it'):
        LoadVOCImage()(dict(img_path=str(tmp_path / 'a.jpg')))


def test_mask(tmp_path):
    path = tmp_path / 'a.png'
    mask = np.array([[0, 20, 255], [1, 2, 3]], np.uint8)
    image = Image.fromarray(mask, 'P')
    image.putpalette(range(256))
    image.save(path)
    assert np.array_equal(load_mask(path)['gt_seg_map'], mask)


def test_mask_with_values_that_are_no_class(tmp_path):
    path = tmp_path / 'a.png'
    Image.fromarray(np.array([[0, 21, 254], [255, 20, 21]], np.uint8)).save(path)
    with pytest.raises(InputError, match=r'a\.png holds the values 21, 254, but VOC has the classes 0\.\.20 and 255'):
        load_mask(path)


def test_mask_of_colours(tmp_path):
    path = tmp_path / 'a.png'
    Image.new('RGB', (5, 4)).save(path)
    with pytest.raises(InputError, match='3 channels instead of class indices'):
        load_mask(path)


def test_missing_mask(tmp_path):
    with pytest.raises(InputError, match=r'There is no mask .*nothing\.png, although the list'):
        load_mask(tmp_path / 'nothing.png')


@pytest.mark.parametrize(('size', 'expected'), [((500, 375), (500, 375)), ((600, 375), (500, 375)),
                                                ((501, 900), (500, 500)), ((20, 30), (20, 30))])
def test_each_side_is_clamped_by_itself(size, expected):
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    mask = image[..., 0] % 21
    results = ClampSize(500)(dict(img=image, gt_seg_map=mask, seg_fields=['gt_seg_map'], img_shape=size))
    assert results['img'].shape[:2] == expected
    assert results['gt_seg_map'].shape == expected
    assert tuple(results['img_shape']) == expected
    assert set(np.unique(results['img'])) <= set(np.unique(image)), 'nearest neighbour makes no new values'


def test_labels_are_thinned_as_deeplab_does():
    mask = np.arange(321 * 321).reshape(321, 321)
    results = ShrinkLabels(8)(dict(gt_seg_map=mask, seg_fields=['gt_seg_map']))
    assert results['gt_seg_map'].shape == (41, 41)
    assert np.array_equal(results['gt_seg_map'], mask[::8, ::8])


@pytest.mark.parametrize('size', [(1, 1), (1, 7), (7, 1)])
def test_mask_of_a_line(tmp_path, size):
    Image.new('L', size).save(tmp_path / 'a.png')
    with pytest.raises(InputError, match='a.png is only one pixel high or wide'):
        load_mask(tmp_path / 'a.png')
