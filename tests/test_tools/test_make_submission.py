"""A folder of masks as an archive: what is packed, and what is refused with its file."""

import sys
import tarfile

import numpy as np
import pytest
from PIL import Image

from make_submission import class_indices, main
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
    masks = {
        'a': coloured(),
        'b': Image.fromarray(MASK),
        'c': coloured(palette=np.arange(768).astype(np.uint8)),
        'unnamed': coloured(),
    }
    archive = pack(masks, 'abc')
    assert check_submission(archive, list('abc')) == (3, [])
    with tarfile.open(archive) as tar:
        for name in 'abc':
            assert np.array_equal(np.asarray(Image.open(tar.extractfile(f'{FOLDER}/{name}.png'))), MASK)
    assert capsys.readouterr().out == (
        f'{archive}: 3 predictions for comp6, 0 defects; 1 other masks in {tmp_path / "masks"} were left out\n'
    )


def test_another_competition(pack):
    with tarfile.open(pack({'a': coloured()}, 'a', '--competition', 'comp5')) as tar:
        assert tar.getnames() == [f'{FOLDER.replace("comp6", "comp5")}/a.png']


def test_all_defects_are_told_and_nothing_is_written(pack, tmp_path):
    masks = {'good': coloured(), 'rgb': coloured().convert('RGB'), 'void': Image.fromarray(MASK | 0xF0)}
    with pytest.raises(InputError) as stop:
        pack(masks, masks)
    first, rgb, void = str(stop.value).splitlines()
    assert first == 'no archive was written:'
    assert 'masks/rgb.png of mode RGB has 3 channels' in rgb
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


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (coloured().convert('RGBA'), r'of mode RGBA has 4 channels instead of class indices'),
        (Image.fromarray(MASK).convert('LA'), 'of mode LA has 2 channels'),
        (Image.fromarray(MASK.astype(np.uint16) << 8), 'holds the value 5120'),
        (Image.fromarray(np.full((2, 2), 21, np.uint8)), r'holds the value 21, but each pixel needs a class 0\.\.20'),
        (coloured().convert('RGB').convert('P', palette=Image.Palette.ADAPTIVE), "has the colour of VOC's label"),
    ],
)
def test_what_holds_no_class_indices(tmp_path, image, message):
    image.save(tmp_path / 'a.png')
    with pytest.raises(InputError, match=rf'a\.png {message}'):
        class_indices(tmp_path / 'a.png')


@pytest.mark.parametrize(
    ('image', 'labels'), [(Image.fromarray(MASK.astype(np.uint16)), MASK), (Image.fromarray(MASK > 3), MASK > 3)]
)
def test_other_depths(pack, image, labels):
    with tarfile.open(pack({'a': image}, 'a')) as tar:
        packed = Image.open(tar.extractfile(f'{FOLDER}/a.png'))
        assert packed.mode == 'P'
        assert np.array_equal(np.asarray(packed), labels)


@pytest.mark.parametrize('content', [b'', b'\xff\xd8\xff\xe0', b'\x89PNG\r\n\x1a\n cut off'])
def test_what_is_no_png(tmp_path, content):
    (tmp_path / 'a.png').write_bytes(content)
    with pytest.raises(InputError, match=r'a\.png cannot be read'):
        class_indices(tmp_path / 'a.png')


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['nowhere', '--ids', 'ids.txt', '--out', 'a.tgz'], 'There is no folder nowhere'),
        (['.', '--ids', 'ids.txt', '--out', 'a.zip'], r'a\.zip must end with one of them'),
        (['.', '--ids', 'nothing.txt', '--out', 'a.tgz'], r'There is no list nothing\.txt'),
    ],
)
def test_wrong_options(monkeypatch, tmp_path, args, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'ids.txt').write_text('a\n')
    monkeypatch.setattr(sys, 'argv', ['make_submission.py', *args])
    with pytest.raises(InputError, match=message):
        main()
    assert [path.name for path in tmp_path.iterdir()] == ['ids.txt']


def test_two_images_of_one_name(pack, tmp_path):
    for folder in 'xy':
        (tmp_path / 'masks' / folder).mkdir(parents=True)
    (tmp_path / 'masks').rename(tmp_path / 'kept')
    with pytest.raises(InputError, match=r'ids\.txt names x/a and y/a, .* both be called a\.png;'):
        pack({}, ['x/a', 'y/a'])


def test_no_room_for_the_archive(pack, tmp_path, limit_files):
    (tmp_path / 'a.tgz').write_bytes(b'older')
    noise = np.random.default_rng(0).integers(0, 21, (2, 64, 64), dtype=np.uint8)
    limit_files(2**12)
    with pytest.raises(InputError, match=r'a\.tgz .*File too large'):
        pack({'a': Image.fromarray(noise[0]), 'b': Image.fromarray(noise[1])}, 'ab')
    assert (tmp_path / 'a.tgz').read_bytes() == b'older'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.tgz', 'ids.txt', 'masks']
