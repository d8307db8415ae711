"""IoU, whole and near borders, and how sure a difference is."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch


def test_iou_of_known_predictions() -> None:
    from features import Features
    from scoring import judge

    masks = torch.tensor([[[0, 0, 1, 255]], [[1, 1, 1, 0]]], dtype=torch.uint8)
    predicted = torch.tensor([[[0, 1, 1, 1]], [[1, 1, 0, 0]]])

    scores = torch.nn.functional.one_hot(predicted, 3).permute(0, 3, 1, 2).float()
    network = SimpleNamespace(
        decode_head=SimpleNamespace(num_classes=3, ignore_index=255), predict=lambda inputs, samples: (scores, None)
    )
    judged = judge(network, Features((), masks))
    assert judged['IoU'] == [pytest.approx(50), pytest.approx(60), None]
    assert judged['pixel_accuracy'] == pytest.approx(100 * 5 / 7)
    assert judged['mIoU'] == pytest.approx(55)
    assert judged['counts']['whole'] == ['0:1/2 1:1/2', '0:1/2 1:2/3']


def test_near_borders_only_pixels_near_borders_count() -> None:
    from counts import count

    mask = torch.zeros(20, 40, dtype=torch.uint8)
    mask[:, 20:] = 1
    mask[:, 39:] = 11
    counts = count(torch.zeros(20, 40, dtype=torch.int64), mask, 11, ignore_index=11)
    assert counts['whole'] == '0:400/780 1:0/380'
    # Of class 0 the column at the border, which belongs to it, and 2 or 4 more.
    near, nearer = (int(counts[region].split(':')[1].split('/')[0]) for region in ('4px', '2px'))
    assert (near, nearer) == (100, 60)


def test_counts_of_all_images_give_the_mean_iou() -> None:
    from counts import as_array, mean_iou_of

    counts = as_array(['0:1/2 1:1/2', '0:1/2 1:2/3'], num_classes=3)
    assert counts.shape == (2, 3, 2)
    assert mean_iou_of(counts.sum(0)) == pytest.approx((100 * 2 / 4 + 100 * 3 / 5) / 2)
    assert mean_iou_of(counts) == pytest.approx([50, (50 + 200 / 3) / 2])


def test_the_bootstrap_knows_sure_from_unsure() -> None:
    from bootstrap import difference_interval

    generator = np.random.default_rng(1)
    union = np.full((1, 60, 2), 100.0)
    worse = generator.integers(30, 70, (1, 60, 2)).astype(float)
    better = worse + 5
    assert difference_interval(*(np.stack([one, union], -1) for one in (better, worse))) == pytest.approx((5, 5))
    low, high = difference_interval(*(np.stack([one, union], -1) for one in (worse[:, ::-1], worse)))
    assert low < 0 < high
    assert high - low > 1


def test_the_bootstrap_draws_neighbours_together() -> None:
    from bootstrap import difference_interval

    union = np.full((1, 100, 1), 100.0)
    theirs = np.full((1, 100, 1), 50.0)
    ours = theirs.copy()
    ours[:, :50] += 10  # the first half of a clip differs from the second
    widths = [
        np.ptp(difference_interval(*(np.stack([one, union], -1) for one in (ours, theirs)), block))
        for block in (1, 10, 25)
    ]
    assert widths[0] < 0.6 * widths[1] < 0.6 * widths[2]
    assert difference_interval(*(np.stack([one, union], -1) for one in (ours, theirs)), 100) == pytest.approx((5, 5))


def test_each_seed_is_compared_with_itself() -> None:
    from bootstrap import difference_interval

    union = np.full((2, 30, 2), 100.0)
    ours, theirs = np.full((2, 30, 2), 50.0), np.full((2, 30, 2), 50.0)
    ours[0] += 4
    theirs[1] += 2
    assert difference_interval(*(np.stack([one, union], -1) for one in (ours, theirs))) == pytest.approx((1, 1))
