"""What becomes of a dropped file."""

import numpy as np
import pytest
from PIL import Image

from mmseg_gdn.demo_page.photograph import read_photograph
from mmseg_gdn.utils import InputError


@pytest.mark.parametrize('mode', ['L', 'RGBA', 'CMYK', 'P', '1', 'I;16'])
def test_kinds_of_images(mode, tmp_path):
    path = tmp_path / ('photo.tif' if mode == 'CMYK' else 'photo.png')
    grey = Image.fromarray(np.full((20, 30), 255, np.uint8))
    (Image.fromarray(np.full((20, 30), 2**16 - 1, np.uint16)) if mode == 'I;16' else grey.convert(mode)).save(path)
    photograph = read_photograph(str(path), 1024)
    assert photograph.pixels.shape == (20, 30, 3)
    assert (photograph.pixels == 255).all()


def test_a_large_one_is_reduced(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter: 2000x300 as stored, 300x2000 upright
    Image.new('RGB', (2000, 300), 'red').save(tmp_path / 'photo.jpg', exif=exif)
    photograph = read_photograph(str(tmp_path / 'photo.jpg'), 1000)
    assert photograph.size == (150, 1000)
    assert photograph.full_size == (300, 2000)
    assert photograph.pixels.flags.c_contiguous
    red, green, blue = photograph.pixels[0, 0, ::-1]
    assert red > 250 and green < 5 and blue < 5


@pytest.mark.parametrize(('size', 'reduced'), [((1, 1), (1, 1)), ((3000, 1), (1000, 1))])
def test_extreme_sizes(size, reduced, tmp_path):
    Image.new('RGB', size).save(tmp_path / 'photo.png')
    assert read_photograph(str(tmp_path / 'photo.png'), 1000).size == reduced


def test_what_is_no_image_is_named_without_its_folder(tmp_path):
    path = tmp_path / 'letter.jpg'
    path.write_text('Dear all')
    with pytest.raises(InputError) as refused:
        read_photograph(str(path), 1024)
    assert str(refused.value).startswith('letter.jpg is not an image in a known format')
