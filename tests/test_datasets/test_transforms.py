"""Loading with clear errors, and Caffe's sizes."""

import os

import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmseg_gdn.datasets import ClampSize, LoadVOCAnnotations, LoadVOCImage, ShrinkLabels
from mmseg_gdn.datasets.transforms import LoadCheckedAnnotations, LoadCheckedImage
from mmseg_gdn.evaluation.voc_palette import voc_palette
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


@pytest.mark.parametrize(
    ('size', 'expected'),
    [((500, 375), (500, 375)), ((600, 375), (500, 375)), ((501, 900), (500, 500)), ((20, 30), (20, 30))],
)
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
    assert load_mask(tmp_path / 'a.png')['gt_seg_map'].shape == size[::-1]


class TestMasksByTheirValues:
    @pytest.mark.parametrize('dtype', [np.uint16, bool])
    def test_other_depths(self, tmp_path, dtype):
        labels = np.eye(5, dtype=np.uint8)
        Image.fromarray(labels.astype(dtype)).save(tmp_path / 'a.png')
        loaded = load_mask(tmp_path / 'a.png')['gt_seg_map']
        assert loaded.dtype == np.uint8
        assert np.array_equal(loaded, labels)

    @pytest.mark.parametrize(
        ('transform', 'what'),
        [
            (LoadVOCAnnotations, r'256, 3840, but VOC has'),
            (LoadCheckedAnnotations, r'256, 3840, but labels are 0\.\.255'),
        ],
    )
    def test_an_upper_byte_is_not_lost(self, tmp_path, transform, what):
        labels = np.array([[0, 15], [1, 0]], np.uint16) * 256
        Image.fromarray(labels).save(tmp_path / 'a.png')
        with pytest.raises(InputError, match=rf'a\.png holds the values {what}'):
            transform()(dict(seg_map_path=str(tmp_path / 'a.png'), reduce_zero_label=False, seg_fields=[]))

    def test_colours_that_were_numbered_anew(self, tmp_path):
        image = Image.fromarray(np.full((4, 4), 15, np.uint8))
        image.putpalette(voc_palette().tobytes())
        image.convert('RGB').convert('P', palette=Image.Palette.ADAPTIVE).save(tmp_path / 'a.png')
        with pytest.raises(InputError, match=r"a\.png has the colour of VOC's label 15 for the value 0"):
            load_mask(tmp_path / 'a.png')

    @pytest.mark.parametrize('palette', [[0] * 768, list(range(256)) * 3, [200, 0, 0] * 256])
    def test_palettes_of_ones_own(self, tmp_path, palette):
        labels = np.arange(21, dtype=np.uint8).reshape(3, 7)
        image = Image.fromarray(labels)
        image.putpalette(palette)
        image.save(tmp_path / 'a.png')
        assert np.array_equal(load_mask(tmp_path / 'a.png')['gt_seg_map'], labels)

    @pytest.mark.parametrize('is_reduced', [False, True])
    @pytest.mark.parametrize('label_map', [None, {0: 2, 1: 255, 2: 0}])
    def test_numbering_is_that_of_the_stock_transform(self, tmp_path, is_reduced, label_map):
        Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / 'a.png')
        stock, checked = (
            transform()(
                dict(
                    seg_map_path=str(tmp_path / 'a.png'),
                    reduce_zero_label=is_reduced,
                    label_map=label_map,
                    seg_fields=[],
                )
            )
            for transform in (LoadAnnotations, LoadCheckedAnnotations)
        )
        assert stock['seg_fields'] == checked['seg_fields']
        assert np.array_equal(stock['gt_seg_map'], checked['gt_seg_map'])

    def test_a_contradiction_about_class_0(self, tmp_path):
        Image.new('L', (4, 4)).save(tmp_path / 'a.png')
        with pytest.raises(InputError, match='reduce_zero_label is True in the transform'):
            LoadCheckedAnnotations(reduce_zero_label=True)(
                dict(seg_map_path=str(tmp_path / 'a.png'), reduce_zero_label=False, seg_fields=[])
            )


class TestDamage:
    @pytest.fixture
    def jpeg(self, tmp_path):
        pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / 'a.jpg')
        return tmp_path / 'a.jpg'

    @staticmethod
    def garble(path):
        content = bytearray(path.read_bytes())
        content[1500:1564] = bytes(255 - byte for byte in content[1500:1564])
        path.write_bytes(content)

    @pytest.mark.parametrize('transform', [LoadCheckedImage, LoadVOCImage])
    @pytest.mark.parametrize('backend', ['cv2', 'pillow'])
    @pytest.mark.parametrize('lost', [2, 400])
    def test_an_image_that_is_cut_off(self, jpeg, transform, backend, lost):
        jpeg.write_bytes(jpeg.read_bytes()[:-lost])
        with pytest.raises(InputError, match=r'The image .*a\.jpg (is damaged|cannot be read) \('):
            transform(imdecode_backend=backend)(dict(img_path=str(jpeg)))

    def test_decoders_that_fill_up_what_is_cut_off(self, jpeg, monkeypatch):
        jpeg.write_bytes(jpeg.read_bytes()[:-400])
        monkeypatch.setattr('mmcv.imfrombytes', lambda *args, **kwargs: np.zeros((48, 64, 3), np.uint8))
        with pytest.raises(InputError, match=r'a\.jpg is damaged \(its end is missing\)'):
            LoadCheckedImage()(dict(img_path=str(jpeg)))
        assert LoadCheckedImage(ignore_empty=True)(dict(img_path=str(jpeg))) is None

    def test_garbled_data_are_no_image_of_voc(self, jpeg):
        self.garble(jpeg)
        with pytest.raises(InputError, match=r'a\.jpg is damaged \(Corrupt JPEG data: .*check_voc\.py'):
            LoadVOCImage()(dict(img_path=str(jpeg)))

    def test_garbled_data_of_others_are_a_warning_once(self, jpeg, monkeypatch):
        self.garble(jpeg)
        told = []
        monkeypatch.setattr('mmseg_gdn.datasets.transforms.loading.print_log', lambda text, *rest: told.append(text))
        for _ in range(2):
            assert LoadCheckedImage()(dict(img_path=str(jpeg)))['img'].shape == (48, 64, 3)
        assert len(told) == 1
        assert 'a.jpg is damaged (Corrupt JPEG data: ' in told[0]

    def test_pixels_are_those_of_the_stock_transform(self, jpeg):
        for settings in ({}, dict(to_float32=True), dict(color_type='grayscale')):
            stock, checked = (
                transform(**settings)(dict(img_path=str(jpeg))) for transform in (LoadImageFromFile, LoadCheckedImage)
            )
            assert np.array_equal(stock.pop('img'), checked.pop('img'))
            assert stock == checked

    @pytest.mark.parametrize('name', ['img_path', 'seg_map_path'])
    def test_pipes_are_not_waited_for(self, tmp_path, name):
        os.mkfifo(tmp_path / 'a.png')
        transform = LoadVOCImage() if name == 'img_path' else LoadVOCAnnotations()
        with pytest.raises(InputError, match=r'a\.png is a pipe, not a file'):
            transform({name: str(tmp_path / 'a.png'), 'reduce_zero_label': False, 'seg_fields': []})

    def test_an_image_whose_name_may_be_two_columns(self, tmp_path):
        with pytest.raises(InputError, match=r'correct the list \(if the image is a, remove the second column\), and'):
            LoadVOCImage()(dict(img_path=str(tmp_path / 'a 1.jpg')))


class TestImagesAsStored:
    @pytest.fixture
    def turned(self, tmp_path):
        """An image of 6x4 px, which asks to be shown in 4x6 px, and its path."""
        pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(pixels).save(tmp_path / 'a.png', exif=exif)
        Image.fromarray(pixels).save(tmp_path / 'a.jpg', exif=exif, quality=95)
        return pixels, tmp_path

    @pytest.mark.parametrize(
        'settings',
        [
            {},
            dict(imdecode_backend='pillow'),
            dict(to_float32=True),
            dict(color_type='grayscale'),
            dict(color_type='unchanged'),
        ],
    )
    def test_orientation_is_ignored(self, turned, settings):
        pixels, folder = turned
        for name in ('a.png', 'a.jpg'):
            results = LoadCheckedImage(**settings)(dict(img_path=str(folder / name)))
            assert results['img'].shape[:2] == results['ori_shape'] == (4, 6)
        image = LoadVOCImage()(dict(img_path=str(folder / 'a.png')))['img']
        assert np.array_equal(image[..., ::-1], pixels)

    def test_the_first_one_is_told(self, turned, monkeypatch):
        told = []
        monkeypatch.setattr('mmseg_gdn.datasets.transforms.loading.print_log', lambda text, *rest: told.append(text))
        monkeypatch.setattr(LoadCheckedImage, '_has_warned', False)
        for _ in range(2):
            LoadVOCImage()(dict(img_path=str(turned[1] / 'a.jpg')))
        assert len(told) == 1
        assert 'a.jpg asks viewers to turn it (EXIF orientation 6)' in told[0]

    def test_a_mask_of_the_turned_image(self, turned):
        folder = turned[1]
        Image.new('L', (4, 6)).save(folder / 'mask.png')
        results = LoadVOCImage()(
            dict(
                img_path=str(folder / 'a.jpg'),
                seg_map_path=str(folder / 'mask.png'),
                reduce_zero_label=False,
                seg_fields=[],
            )
        )
        message = r'mask\.png is 4x6 px, but its image .*a\.jpg is 6x4 px, which asks viewers to turn it \(EXIF'
        with pytest.raises(InputError, match=message):
            LoadVOCAnnotations()(results)
