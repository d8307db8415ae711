"""A folder of masks as an archive: what is packed, and what is refused with its file."""

import struct
import sys
import tarfile
import zlib

import numpy as np
import pytest
from PIL import Image

from make_submission import main, read_mask
from mmseg_gdn.evaluation.check_submission import check_submission
from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.utils import InputError

MASK = (np.arange(48 * 64).reshape(48, 64) % 21).astype(np.uint8)
FOLDER = 'results/VOC2012/Segmentation/comp6_test_cls'


def coloured(mask=MASK, palette=None):
    image = Image.fromarray(mask)
    image.putpalette((voc_palette() if palette is None else palette).tobytes())
    return image


@pytest.fixture
def pack(monkeypatch, tmp_path):
    """Run the tool on masks given by name; gives the archive's path, which is there if the tool has succeeded."""

    def run(masks, ids, *args):
        (tmp_path / 'masks').mkdir()
        for name, image in masks.items():
            image.save(tmp_path / f'masks/{name}.png')
        (tmp_path / 'ids.txt').write_text('\n'.join(ids))
        argv = ['make_submission.py', tmp_path / 'masks', '--ids', tmp_path / 'ids.txt', '--out', tmp_path / 'a.tgz']
        monkeypatch.setattr(sys, 'argv', [str(arg) for arg in (*argv, *args)])
        main()
        return tmp_path / 'a.tgz'

    return run


def test_masks_with_palette_and_in_grey(pack, capsys, tmp_path):
    masks = {'a': coloured(), 'b': Image.fromarray(MASK), 'c': coloured(palette=np.arange(768).astype(np.uint8)),
             'unnamed': coloured()}
    archive = pack(masks, 'abc')
    assert check_submission(archive, list('abc')) == (3, [])
    with tarfile.open(archive) as tar:
        for name in 'abc':
            assert np.array_equal(np.asarray(Image.open(tar.extractfile(f'{FOLDER}/{name}.png'))), MASK)
    assert capsys.readouterr().out == (f'{archive}: 3 predictions for comp6, 0 defects; 1 other masks in '
                                       f'{tmp_path / "masks"} were left out\n')


def test_another_competition(pack):
    with tarfile.open(pack({'a': coloured()}, 'a', '--competition', 'comp5')) as tar:
        assert tar.getnames() == [f'{FOLDER.replace("comp6", "comp5")}/a.png']


def test_all_defects_are_told_and_nothing_is_written(pack, tmp_path):
    masks = {'good': coloured(), 'rgb': coloured().convert('RGB'), 'void': Image.fromarray(MASK | 0xf0)}
    with pytest.raises(InputError) as stop:
        pack(masks, masks)
    first, rgb, void = str(stop.value).splitlines()
    assert first == 'no archive was written:'
    assert 'masks/rgb.png is a PNG of mode RGB' in rgb
    assert 'masks/void.png holds the value 255' in void
    assert sorted(path.name for path in tmp_path.iterdir()) == ['ids.txt', 'masks']


def test_an_older_archive_stays(pack, tmp_path):
    (tmp_path / 'a.tgz').write_bytes(b'older')
    with pytest.raises(InputError, match=r'2 of the 3 masks that .*ids\.txt names are not in .* first of them b\.png'):
        pack({'a': coloured()}, 'abc')
    assert (tmp_path / 'a.tgz').read_bytes() == b'older'


def test_sizes_are_compared_with_images(pack, voc_root):
    images = voc_root / 'JPEGImages'
    with pytest.raises(InputError, match='g.png: is 64x48 px, but its image is 64x56 px'):
        pack({'f': coloured(), 'g': coloured()}, 'fg', '--images', images)


@pytest.mark.parametrize(('image', 'message'), [
    (coloured().convert('RGBA'), r'is a PNG of mode RGBA \(colours or transparency\); save class indices as an 8-bit'),
    (Image.fromarray(MASK).convert('LA'), 'is a PNG of mode LA'),
    (Image.fromarray(MASK.astype(np.uint16)), 'is a 16-bit PNG'),
    (Image.fromarray(MASK > 3), 'is a grey PNG of fewer than 8 bits'),
    (Image.fromarray(np.full((2, 2), 21, np.uint8)), r'holds the value 21, but each pixel needs a class 0\.\.20'),
    (coloured().convert('RGB').convert('P', palette=Image.Palette.ADAPTIVE), "has the colour of VOC's class"),
])
def test_what_holds_no_class_indices(tmp_path, image, message):
    image.save(tmp_path / 'a.png')
    with pytest.raises(InputError, match=rf'a\.png {message}'):
        read_mask(tmp_path / 'a.png')


@pytest.mark.parametrize('bits', [1, 2, 4])
def test_palettes_of_few_bits(tmp_path, bits):
    mask = MASK % 2**bits
    coloured(mask).save(tmp_path / 'a.png', bits=bits)
    assert np.array_equal(read_mask(tmp_path / 'a.png'), mask)


def test_grey_values_of_few_bits_are_not_guessed(tmp_path):
    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))

    header = struct.pack('>IIBBBBB', 2, 1, 4, 0, 0, 0, 0)  # 2x1 px of 4 bits, grey
    chunks = chunk(b'IHDR', header), chunk(b'IDAT', zlib.compress(b'\0\x01')), chunk(b'IEND', b'')
    (tmp_path / 'a.png').write_bytes(b'\x89PNG\r\n\x1a\n' + b''.join(chunks))
    assert np.asarray(Image.open(tmp_path / 'a.png')).tolist() == [[0, 17]], 'Pillow spreads the values'
    with pytest.raises(InputError, match='is a grey PNG of fewer than 8 bits'):
        read_mask(tmp_path / 'a.png')


@pytest.mark.parametrize('content', [b'', b'\xff\xd8\xff\xe0', b'\x89PNG\r\n\x1a\n cut off'])
def test_what_is_no_png(tmp_path, content):
    (tmp_path / 'a.png').write_bytes(content)
    with pytest.raises(InputError, match=r'a\.png cannot be read as a PNG'):
        read_mask(tmp_path / 'a.png')


@pytest.mark.parametrize(('args', 'message'), [
    (['nowhere', '--ids', 'ids.txt', '--out', 'a.tgz'], 'There is no folder nowhere'),
    (['.', '--ids', 'ids.txt', '--out', 'a.zip'], r'a\.zip must end with one of them'),
    (['.', '--ids', 'nothing.txt', '--out', 'a.tgz'], r'There is no list nothing\.txt'),
])
def test_wrong_options(monkeypatch, tmp_path, args, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'ids.txt').write_text('a\n')
    monkeypatch.setattr(sys, 'argv', ['make_submission.py', *args])
    with pytest.raises(InputError, match=message):
        main()
    assert [path.name for path in tmp_path.iterdir()] == ['ids.txt']
