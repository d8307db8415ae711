"""Pictures of two models' predictions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mmseg.evaluation import IoUMetric
from PIL import Image
from torch import from_numpy

from compared_images import (
    BOTH_RIGHT,
    BOTH_WRONG,
    ONLY_A,
    ONLY_B,
    VOID,
    best_and_worst,
    compare,
    image_miou,
    who_is_right,
)
from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.utils import InputError
from paired_files import find_files, read_mask

SIZE = (40, 60)
FOLDERS = ('images', 'truth', 'a', 'b')


@pytest.fixture
def folders(tmp_path, write_mask):
    """Four images of a square. Model B is right in the first and worse from image to image; model A is always equal."""
    for index in range(4):
        truth = np.zeros(SIZE)
        truth[10:30, 10:30] = 15
        a, b = truth.copy(), truth.copy()
        a[10:20, 10:30] = 12
        b[10 : 10 + 7 * index, 10:30] = 7
        truth[0] = 255
        name = f'{"street/" if index == 3 else ""}image{index}'
        for folder, mask in (('truth', truth), ('a', a), ('b', b)):
            write_mask(tmp_path / folder / f'{name}.png', mask)
        photo = tmp_path / 'images' / f'{name}.jpg'
        photo.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', SIZE[::-1], (10, 200, 30)).save(photo)
    return [tmp_path / name for name in FOLDERS]


def scores_of(folders, ignore_index=255):
    return compare(find_files(*folders), ignore_index)


class TestContent:
    def test_the_largest_gains_come_first(self, folders):
        scores = scores_of(folders)
        assert [score.name for score in scores] == ['image0', 'image1', 'image2', 'street/image3']
        assert scores[0].miou_b == 100
        assert [score.gain > 0 for score in scores] == [True, True, False, False]
        assert scores[0].gain == scores[0].miou_b - scores[0].miou_a

    @pytest.mark.parametrize(
        ('count', 'best', 'worst'), [(1, '0', ''), (2, '0', '3'), (3, '01', '3'), (4, '01', '32'), (9, '01', '32')]
    )
    def test_best_and_worst(self, folders, count, best, worst):
        groups = best_and_worst(scores_of(folders), count)
        assert [''.join(score.name[-1] for score in group) for group in groups] == [best, worst]

    @given(
        arrays(np.uint8, (6, 5), elements=st.integers(0, 4)),
        arrays(np.uint8, (6, 5), elements=st.sampled_from([0, 1, 2, 3, 4, 255])),
    )
    def test_miou_is_that_of_mmseg_over_the_classes_of_the_truth(self, prediction, truth):
        truth[0, 0] = 2
        intersect, union, _, label = IoUMetric.intersect_and_union(from_numpy(prediction), from_numpy(truth), 5, 255)
        assert image_miou(prediction, truth, 255) == pytest.approx(
            100 * float((intersect / union)[label > 0].mean()), rel=1e-5
        )

    def test_who_is_right(self):
        truth, a, b = (np.array([row]) for row in ([1, 1, 1, 1, 255], [1, 1, 0, 0, 0], [1, 0, 1, 0, 255]))
        assert who_is_right(a, b, truth, 255).tolist() == [[BOTH_RIGHT, ONLY_A, ONLY_B, BOTH_WRONG, VOID]]

    def test_other_ignored_label(self, folders):
        """Then 255 is a class of its own, in whose place the models see class 0: 15 alone is right."""
        assert scores_of(folders, ignore_index=0)[0].miou_b == pytest.approx(50)

    def test_images_with_nothing_to_count_are_left_out(self, folders, write_mask):
        write_mask(folders[1] / 'image1.png', np.full(SIZE, 255))
        assert [score.name for score in scores_of(folders)] == ['image0', 'image2', 'street/image3']

    def test_palette_masks(self, tmp_path):
        mask = Image.fromarray(np.full(SIZE, 15, np.uint8))
        mask.putpalette(voc_palette().tobytes())
        mask.save(tmp_path / 'mask.png')
        assert (read_mask(tmp_path / 'mask.png') == 15).all()

    def test_grey_masks_of_few_bits(self, tmp_path, grey_png):
        (tmp_path / 'mask.png').write_bytes(grey_png(2, [0, 1, 2, 3]))
        assert read_mask(tmp_path / 'mask.png').tolist() == [[0, 1, 2, 3]]


class TestPicture:
    def test_what_is_drawn(self, draw, folders):
        arguments = [text for name, folder in zip(FOLDERS, folders) for text in (f'--{name}', folder)]
        picture = draw('compare', *arguments, '--names', 'bilinear', 'GDN', '--count', 2)
        colours = {tuple(colour) for colour in np.unique(picture.reshape(-1, 3), axis=0).tolist()}
        assert {tuple(voc_palette()[label].tolist()) for label in (0, 7, 12, 15, 255)} <= colours
        assert {(0xE6, 0x9F, 0x00), (0x00, 0x72, 0xB2)} <= colours, 'where only one model is right'
        assert draw('compare', *arguments).shape[0] > 1.5 * picture.shape[0], 'four images instead of two'

    def test_unknown_data_set(self, draw, folders):
        arguments = [text for name, folder in zip(FOLDERS, folders) for text in (f'--{name}', folder)]
        with pytest.raises(InputError, match='has no data set NoSuchDataset'):
            draw('compare', *arguments, '--dataset', 'NoSuchDataset')


class TestRefusals:
    def test_missing_prediction(self, folders):
        (folders[3] / 'image2.png').unlink()
        with pytest.raises(InputError, match=r'b lacks 1 of the 4 predicted images, the first of them image2;'):
            find_files(*folders)

    def test_no_predictions(self, folders, tmp_path):
        (tmp_path / 'empty').mkdir()
        with pytest.raises(InputError, match='has predictions, which are PNGs'):
            find_files(*folders[:2], tmp_path / 'empty', tmp_path / 'empty')

    def test_missing_folder(self, folders, tmp_path):
        with pytest.raises(InputError, match='There is no folder .*nowhere'):
            find_files(*folders[:3], tmp_path / 'nowhere')

    def test_other_size(self, folders, write_mask):
        write_mask(folders[2] / 'image0.png', np.zeros((5, 6)))
        with pytest.raises(InputError, match=r'a/image0.png has 6x5 px, but .*truth/image0.png has 60x40'):
            scores_of(folders)

    def test_colours(self, folders):
        Image.new('RGB', SIZE[::-1]).save(folders[2] / 'image0.png')
        with pytest.raises(InputError, match='a/image0.png of mode RGB has 3 channels instead of class indices'):
            scores_of(folders)

    def test_numbers_that_are_no_class(self, folders):
        Image.fromarray(np.full(SIZE, 300, np.uint16)).save(folders[2] / 'image0.png')
        with pytest.raises(InputError, match='a/image0.png holds 300, but there are 256 classes at most'):
            scores_of(folders)

    def test_damaged(self, folders):
        (folders[2] / 'image0.png').write_bytes(b'nothing')
        with pytest.raises(InputError, match=r'The mask .*a/image0.png cannot be read'):
            scores_of(folders)
