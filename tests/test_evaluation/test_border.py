"""The measure near borders."""

import numpy as np
import pytest
import torch

from mmseg_gdn.evaluation.border import border_miou, near_borders


def halves(column, shape=(20, 30)):
    label = np.zeros(shape, np.uint8)
    label[:, column:] = 1
    return label


@pytest.mark.parametrize('distance', [1, 2, 4])
def test_a_band_along_the_border(distance):
    near = near_borders(halves(15), distance)
    # The border is the last pixel of the one and the first of the other side.
    assert np.array_equal(np.flatnonzero(near[10]), np.arange(14 - distance, 16 + distance))
    assert (near == near[:1]).all()


def test_without_borders_nothing_is_near():
    assert not near_borders(np.full((9, 9), 3, np.uint8), 4).any()


def test_void_counts_as_border():
    label = np.full((9, 9), 255, np.uint8)
    assert near_borders(label, 1).all()


def test_only_pixels_near_borders_count():
    label = halves(15)
    far_off = label.copy()
    far_off[:, :5] = 1
    assert border_miou([(far_off, label)], 2, distance=4) == 100
    shifted = halves(17)
    # Of the band 10..19, columns 15 and 16 are taken for background: 5 of 7 and 3 of 5 columns.
    assert border_miou([(shifted, label)], 2, distance=4) == pytest.approx(100 * (5 / 7 + 3 / 5) / 2)


def test_areas_are_summed_over_images_and_absent_classes_left_out():
    label = halves(15)
    assert border_miou([(label, label), (halves(17), label)], 21, distance=4) == pytest.approx(
        100 * (10 / 12 + 8 / 10) / 2
    )


def test_masks_that_cannot_be_written(recwarn):
    mask = np.zeros((8, 8), np.uint8)
    mask.flags.writeable = False
    torch.set_warn_always(True)
    try:
        border_miou([(mask, np.zeros((8, 8), np.uint8))], 2)
    finally:
        torch.set_warn_always(False)
    assert not [one for one in recwarn if 'not writable' in str(one.message)]
