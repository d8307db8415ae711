"""The drawn data set: VOC's layout, the same pixels every time."""

import numpy as np
import pytest
from PIL import Image

from drawn_scenes import draw_scene, make_synthetic_voc
from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.utils import InputError
from voc_defects import file_defects, list_defects, read_lists


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob('*')) if path.is_file()}


@pytest.fixture
def drawn(tmp_path):
    make_synthetic_voc(tmp_path / 'one', train=4, val=2, test=2)
    return tmp_path / 'one'


def test_the_checker_of_voc_finds_nothing(drawn):
    lists, _ = read_lists(drawn)
    assert {name: len(ids) for name, ids in lists.items()} == {'train': 4, 'val': 2, 'test': 2}
    assert list(list_defects(lists)) == []
    assert file_defects(drawn, lists, workers=1)[0] == []


def test_the_same_seed_gives_the_same_bytes(drawn, tmp_path):
    make_synthetic_voc(tmp_path / 'again', train=4, val=2, test=2)
    make_synthetic_voc(tmp_path / 'other', train=4, val=2, test=2, seed=1)
    assert contents(tmp_path / 'again') == contents(drawn)
    assert contents(tmp_path / 'other') != contents(drawn)


def test_a_longer_list_begins_with_the_shorter_one(drawn, tmp_path):
    make_synthetic_voc(tmp_path / 'longer', train=5, val=2, test=2)
    longer = contents(tmp_path / 'longer')
    assert all(longer[path] == content for path, content in contents(drawn).items() if path.suffix != '.txt')


def test_masks_have_vocs_palette_and_test_images_have_none(drawn):
    masks = sorted((drawn / 'SegmentationClass').iterdir())
    assert [path.stem for path in masks] == [*(f'train_{i:04d}' for i in range(4)), 'val_0000', 'val_0001']
    for path in masks:
        with Image.open(path) as mask:
            assert mask.mode == 'P'
            assert np.array_equal(np.reshape(mask.getpalette(), (-1, 3)), voc_palette())


def test_scenes_have_every_class_void_borders_and_varying_sizes():
    scenes = [draw_scene(np.random.default_rng(seed)) for seed in range(120)]
    assert all(image.shape == (*mask.shape, 3) for image, mask in scenes)
    assert set(np.unique(np.concatenate([mask.ravel() for _, mask in scenes]))) == {*range(21), 255}
    assert len({mask.shape for _, mask in scenes}) > 20
    for _, mask in scenes[:20]:
        # Going along a row, one object never touches the background without void in between.
        left, right = mask[:, :-1], mask[:, 1:]
        touching = (left != right) & (left != 255) & (right != 255) & ((left == 0) | (right == 0))
        assert not touching.any()


def test_another_data_set_is_not_drawn_over(tmp_path):
    make_synthetic_voc(tmp_path, 1, 1, 1)
    make_synthetic_voc(tmp_path, 2, 1, 1)
    path = tmp_path / 'ImageSets/Segmentation/val.txt'
    path.write_text('2007_000033\n')
    with pytest.raises(InputError, match=r'val\.txt is a list of another data set'):
        make_synthetic_voc(tmp_path, 3, 1, 1)
    assert not (tmp_path / 'JPEGImages/train_0002.jpg').exists()
    assert path.read_text() == '2007_000033\n'
