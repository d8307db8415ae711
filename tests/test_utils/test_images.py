"""Photographs of any kind."""

import io
import struct
import zlib

import mmcv
import numpy as np
import pytest
from PIL import Image

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.images import read_image

# How a camera that was held so stores the upright picture.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.fixture
def photo():
    """RGB, not square, and without symmetries."""
    y, x = np.mgrid[:24, :36]
    return np.stack([7 * x, 10 * y, 3 * (x + y)], axis=-1).astype(np.uint8)


def save(picture, path, orientation=None, **options):
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(picture)).save(path, exif=exif, **options)
    return path


class TestOrientation:
    @pytest.mark.parametrize('suffix', ['png', 'tif', 'webp'])
    @pytest.mark.parametrize('orientation', STORED)
    def test_upright(self, photo, tmp_path, orientation, suffix):
        options = dict(lossless=True) if suffix == 'webp' else {}
        path = save(STORED[orientation](photo), tmp_path / f'photo.{suffix}', orientation, **options)
        assert np.array_equal(read_image(path)[..., ::-1], photo)

    @pytest.mark.parametrize('orientation', STORED)
    def test_as_mmcv_loads_jpegs(self, photo, tmp_path, orientation):
        path = save(STORED[orientation](photo), tmp_path / 'photo.jpg', orientation)
        assert np.array_equal(read_image(path), mmcv.imread(path))

    def test_unknown_orientation(self, photo, tmp_path):
        path = save(photo, tmp_path / 'photo.png', orientation=9)
        assert np.array_equal(read_image(path)[..., ::-1], photo)

    @pytest.mark.filterwarnings('ignore:.*EXIF')
    @pytest.mark.parametrize('exif', [b'MM\x00*\xff\xff\xff\xff', b'no TIFF header'])
    def test_damaged_exif(self, photo, tmp_path, exif):
        path = tmp_path / 'photo.jpg'
        Image.fromarray(photo).save(path, exif=b'Exif\x00\x00' + exif)
        assert read_image(path).shape == photo.shape


class TestPixels:
    @pytest.mark.parametrize('options', [dict(quality=75), dict(quality=95, subsampling=0), dict(progressive=True)])
    def test_jpeg_as_mmcv_loads_it(self, tmp_path, options):
        noise = np.random.default_rng(0).integers(0, 256, (45, 67, 3), dtype=np.uint8)
        path = save(noise, tmp_path / 'photo.jpg', **options)
        image = read_image(path)
        assert image.dtype == np.uint8 and image.flags.c_contiguous
        assert np.array_equal(image, mmcv.imread(path))

    @pytest.mark.parametrize('mode', ['RGB', 'L', 'P', '1'])
    def test_png_as_mmcv_loads_it(self, photo, tmp_path, mode):
        path = tmp_path / 'photo.png'
        Image.fromarray(photo).convert(mode).save(path)
        assert np.array_equal(read_image(path), mmcv.imread(path))

    @pytest.mark.parametrize('suffix', ['png', 'tif'])
    def test_16_bit(self, tmp_path, suffix):
        values = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
        path = tmp_path / f'scan.{suffix}'
        Image.fromarray(values).save(path)
        image = read_image(path)
        assert np.array_equal(image, mmcv.imread(path))
        assert image.min() == 0 and image.max() == 255

    def test_cmyk(self, tmp_path):
        colours = np.zeros((16, 32, 3), np.uint8)
        colours[:, :16], colours[:, 16:] = (230, 60, 20), (20, 90, 200)
        path = tmp_path / 'print.jpg'
        Image.fromarray(colours).convert('CMYK').save(path, quality=95)
        assert np.abs(read_image(path)[..., ::-1].astype(int) - colours).max() <= 6

    def test_16_bit_colours(self, tmp_path):
        path = tmp_path / 'scan.png'
        rows = b''.join(b'\x00' + struct.pack('>6H', 65535, 32768, 0, 256, 255, 65280) for _ in range(3))
        path.write_bytes(png(2, 3, rows, depth=16))
        assert read_image(path)[..., ::-1].tolist() == [[[255, 128, 0], [1, 0, 255]]] * 3

    @pytest.mark.parametrize(
        ('mode', 'opaque', 'half', 'clear'),
        [
            ('RGBA', (10, 20, 30, 255), (10, 20, 30, 128), (10, 20, 30, 0)),
            ('LA', (20, 255), (20, 128), (20, 0)),
        ],
    )
    def test_transparency_shows_white(self, tmp_path, mode, opaque, half, clear):
        path = tmp_path / 'logo.png'
        logo = Image.new(mode, (3, 1))
        for x, pixel in enumerate((opaque, half, clear)):
            logo.putpixel((x, 0), pixel)
        logo.save(path)
        first, second, third = read_image(path)[0, :, ::-1].astype(int)
        grey = 20 if mode == 'LA' else (10, 20, 30)
        assert np.array_equal(first, np.broadcast_to(grey, 3))
        assert np.abs(second - (np.broadcast_to(grey, 3) + 255) / 2).max() <= 1
        assert third.tolist() == [255, 255, 255]

    def test_transparent_palette_entry(self, tmp_path):
        path = tmp_path / 'logo.png'
        logo = Image.new('P', (2, 1))
        logo.putpalette([200, 0, 0, 0, 0, 90])
        logo.putpixel((1, 0), 1)
        logo.save(path, transparency=1)
        assert read_image(path)[0, :, ::-1].tolist() == [[200, 0, 0], [255, 255, 255]]

    def test_first_frame(self, tmp_path):
        path = tmp_path / 'film.gif'
        frames = [Image.new('RGB', (4, 3), colour) for colour in ('red', 'blue')]
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert (read_image(path)[..., ::-1] == (255, 0, 0)).all()

    def test_the_content_counts_not_the_suffix(self, photo, tmp_path):
        path = tmp_path / 'photo.jpg'
        Image.fromarray(photo).save(path, format='PNG')
        assert np.array_equal(read_image(path)[..., ::-1], photo)


class TestRefusals:
    def test_truncated(self, tmp_path):
        path = save(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), tmp_path / 'photo.jpg')
        path.write_bytes(path.read_bytes()[:1500])
        with pytest.raises(InputError, match=r'photo.jpg cannot be read as an image \(.*truncated'):
            read_image(path)

    def test_garbled(self, tmp_path):
        path = save(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8), tmp_path / 'photo.jpg')
        content = bytearray(path.read_bytes())
        content[2000:2064] = bytes(255 - byte for byte in content[2000:2064])
        path.write_bytes(content)
        with pytest.raises(InputError, match=r'photo.jpg is damaged \(Corrupt JPEG data: .*save it anew'):
            read_image(path)

    @pytest.mark.parametrize('content', [b'', b'no picture\n' * 50, b'%!PS-Adobe-3.0 EPSF-3.0\n'])
    def test_no_image(self, tmp_path, content):
        path = tmp_path / 'photo.jpg'
        path.write_bytes(content)
        with pytest.raises(InputError, match=r'photo.jpg is not an image in a known format \(JPEG, PNG'):
            read_image(path)

    def test_missing(self, tmp_path):
        with pytest.raises(InputError, match='There is no image .*photo.jpg'):
            read_image(tmp_path / 'photo.jpg')

    def test_folder(self, tmp_path):
        with pytest.raises(InputError, match='cannot be read as an image'):
            read_image(tmp_path)

    def test_more_pixels_than_memory(self, tmp_path):
        path = tmp_path / 'bomb.png'
        path.write_bytes(png(60000, 60000, b'\x00' * 100))
        with pytest.raises(InputError, match=r'bomb.png cannot be read as an image \(Image size \(3600000000 pixels\)'):
            read_image(path)

    @pytest.mark.parametrize(('dtype', 'what'), [(np.float32, 'floating-point'), (np.int32, '32-bit')])
    def test_values_of_unknown_range(self, tmp_path, dtype, what):
        path = tmp_path / 'depth.tif'
        Image.fromarray(np.full((4, 5), 70000, dtype)).save(path)
        with pytest.raises(InputError, match=f'depth.tif has {what} values, whose range is not known'):
            read_image(path)


def png(width, height, rows, depth=8):
    """A PNG of RGB pixels from its uncompressed rows."""
    header = struct.pack('>IIBBBBB', width, height, depth, 2, 0, 0, 0)
    stream = io.BytesIO(b'\x89PNG\r\n\x1a\n')
    stream.seek(0, io.SEEK_END)
    for kind, data in ((b'IHDR', header), (b'IDAT', zlib.compress(rows)), (b'IEND', b'')):
        stream.write(struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data)))
    return stream.getvalue()
