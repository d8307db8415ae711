"""The picture of the comparison."""

import numpy as np
import pytest
import torch
from PIL import Image

from demo_report import draw_report
from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.utils import InputError


@pytest.fixture
def scenes():
    image = np.full((30, 40, 3), (10, 200, 30), np.uint8)
    truth, prediction = np.full((30, 40), 3, np.uint8), np.full((30, 40), 15, np.uint8)
    return [(image, truth, prediction)] * 2


def test_shows_images_labels_and_matrices(tmp_path, scenes):
    path = tmp_path / 'new' / 'report.png'
    draw_report(path, scenes, ['image', 'truth', 'GDN'], torch.rand(64, 4), torch.rand(48, 4), 'a caption')
    with Image.open(path) as picture:
        colours = {colour for _, colour in picture.convert('RGB').getcolors(2**24)}
    assert {(10, 200, 30), tuple(voc_palette()[3].tolist()), tuple(voc_palette()[15].tolist())} <= colours
    # Matrices of positive values: the map's reds, of which labels and image have none.
    assert any(
        red > 150 and green < 60 and blue < 80
        for red, green, blue in colours - {tuple(colour) for colour in voc_palette().tolist()}
    )


def test_unwritable(tmp_path, scenes):
    (tmp_path / 'file').touch()
    with pytest.raises(InputError, match='Cannot write'):
        draw_report(
            tmp_path / 'file' / 'report.png', scenes, ['image', 'truth', 'GDN'], torch.rand(8, 2), torch.rand(8, 2)
        )
