"""Masks of every depth, read by their values."""

import numpy as np
import pytest
from PIL import Image

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.masks import read_mask

LABELS = np.arange(48 * 64).reshape(48, 64) % 21


@pytest.mark.parametrize(
    ('suffix', 'dtype'),
    [('png', np.uint8), ('png', np.uint16), ('tif', np.uint8), ('tif', np.uint16), ('tif', np.int32)],
)
def test_8_bits_and_more(tmp_path, suffix, dtype):
    path = tmp_path / f'a.{suffix}'
    labels = LABELS.astype(dtype)
    labels[0, 0] = 255 if dtype == np.uint8 else 256 * 15
    Image.fromarray(labels).save(path)
    mask = read_mask(path)
    assert mask.palette is None
    assert np.array_equal(mask.labels, labels)


@pytest.mark.parametrize('bits', [1, 2, 4])
def test_palettes_of_few_bits(tmp_path, bits):
    image = Image.fromarray((LABELS % 2**bits).astype(np.uint8))
    image.putpalette([7, 8, 9] * 2**bits)
    image.save(tmp_path / 'a.png', bits=bits)
    mask = read_mask(tmp_path / 'a.png')
    assert np.array_equal(mask.labels, LABELS % 2**bits)
    assert mask.palette.tolist() == [[7, 8, 9]] * 2**bits


@pytest.mark.parametrize(('bits', 'row'), [(1, [0, 1, 1]), (2, [0, 1, 2, 3]), (4, [0, 1, 15, 7])])
def test_grey_of_few_bits_is_not_spread(tmp_path, grey_png, bits, row):
    path = tmp_path / 'a.png'
    path.write_bytes(grey_png(bits, row))
    assert read_mask(path).labels.tolist() == [row]
    assert read_mask('elsewhere', path.read_bytes()).labels.tolist() == [row]


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (Image.new('RGB', (4, 4)), 'of mode RGB has 3 channels instead of class indices'),
        (Image.new('LA', (4, 4)), 'of mode LA has 2 channels'),
        (Image.new('F', (4, 4)), 'has floating-point values'),
    ],
)
def test_no_class_indices(tmp_path, image, message):
    path = tmp_path / 'a.tif'
    image.save(path)
    with pytest.raises(InputError, match=rf'a\.tif {message}'):
        read_mask(path)


def test_jpeg_changes_values(tmp_path):
    Image.fromarray(LABELS.astype(np.uint8)).save(tmp_path / 'a.png', format='JPEG')
    with pytest.raises(InputError, match=r'a\.png cannot be read \(UnidentifiedImageError'):
        read_mask(tmp_path / 'a.png')


def test_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_mask(tmp_path / 'a.png')
