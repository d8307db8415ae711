"""The overlay and its legend."""

import numpy as np
import pytest

from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.prediction.overlay import class_shares, draw_overlay
from mmseg_gdn.visualization import ClassLegend

LEGEND = ClassLegend(('background', 'aeroplane', 'bicycle'), voc_palette())


def test_shares():
    classes = np.zeros((10, 10), np.uint8)
    classes[:3], classes[3, :5] = 7, 2
    assert class_shares(classes) == {0: 65.0, 7: 30.0, 2: 5.0}


@pytest.fixture
def overlay():
    """Overlay of a grey image with an aeroplane in the middle."""
    classes = np.zeros((120, 160), np.uint8)
    classes[40:80, 60:100] = 1
    return np.asarray(draw_overlay(np.full((120, 160, 3), 200, np.uint8), classes, LEGEND)).astype(int)


def test_objects_are_tinted_and_the_background_is_not(overlay):
    assert overlay.shape[0] == 120 and overlay.shape[1] > 250
    assert (overlay[10, 10] == 200).all()
    red, green, blue = overlay[60, 80]
    assert 140 < red < 200 and green == blue < 120, 'between grey and dark red'
    assert (overlay[60, 59] == 255).all(), 'a white border'


def test_legend(overlay):
    legend = overlay[:, 160:]
    assert (legend[0] == 255).all()
    for colour in voc_palette()[:2]:
        assert (legend == colour).all(-1).sum() > 100, 'a patch in the colour of the class'
    assert not (legend == voc_palette()[2]).all(-1).any(), 'only classes that occur'


@pytest.mark.parametrize('shape', [(1, 1), (2, 900), (900, 2)])
def test_extreme_sizes(shape):
    classes = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8) % 30
    picture = draw_overlay(np.zeros((*shape, 3), np.uint8), classes, LEGEND)
    assert picture.height >= shape[0] and picture.width > shape[1]
