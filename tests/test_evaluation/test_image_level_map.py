"""Average precision of image-level scores."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmseg.registry import METRICS

from mmseg_gdn.evaluation.image_level_map import average_precision

CLASSES = ('background', 'cat', 'dog', 'boat')
# Few different scores, so that many are equal.
RANKINGS = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=12).filter(
    lambda ranking: any(present for _, present in ranking)
)


def by_definition(ranking):
    """Mean over the images with the class of the best precision at which they and as many others are found."""
    count = sum(present for _, present in ranking)
    points = []
    for threshold in {score for score, _ in ranking}:
        retrieved = [present for score, present in ranking if score >= threshold]
        points.append((sum(retrieved), sum(retrieved) / len(retrieved)))
    return (
        sum(max(precision for found, precision in points if found >= wanted) for wanted in range(1, count + 1)) / count
    )


def ap(ranking):
    scores, present = zip(*ranking)
    return average_precision(np.array(scores, float), np.array(present))


class TestAveragePrecision:
    @given(RANKINGS)
    def test_equals_its_definition(self, ranking):
        assert ap(ranking) == pytest.approx(by_definition(ranking))

    @given(RANKINGS, st.randoms())
    def test_depends_on_neither_the_order_of_images_nor_the_scale_of_scores(self, ranking, random):
        shuffled = [(np.exp(score), present) for score, present in random.sample(ranking, len(ranking))]
        assert ap(shuffled) == pytest.approx(ap(ranking))

    def test_by_hand(self):
        # Precision 1, 1/2, 2/3, 2/4, 3/5; before each point the best that follows counts: 1, 2/3, 3/5.
        ranking = [(5, True), (4, False), (3, True), (2, False), (1, True)]
        assert ap(ranking) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
        assert ap([(2, True), (2, True), (1, False)]) == 1
        assert ap([(1, True), (1, False), (1, False), (1, False)]) == 0.25


@pytest.fixture
def metric():
    built = METRICS.build(dict(type='ImageLevelMAP', ignore_index=255))
    built.dataset_meta = dict(classes=CLASSES)
    return built


def sample(scores, classes):
    mask = torch.tensor([[[0, 255, *classes]]])
    return dict(image_scores=None if scores is None else torch.tensor(scores), gt_sem_seg=dict(data=mask))


@pytest.fixture
def log(monkeypatch):
    lines = []
    monkeypatch.setattr('mmseg_gdn.evaluation.image_level_map.print_log', lambda message, *args: lines.append(message))
    return lines


def test_mean_over_the_classes_that_occur(metric, log):
    metric.process({}, [sample([3.0, 1.0, 9.0], [1]), sample([2.0, 0.0, 9.0], [2])])
    metric.process({}, [sample([1.0, 2.0, 9.0], [1])])
    # cat is ranked 1st and 3rd; dog last of three, and boat is nowhere.
    cat, dog = 100 * (1 + 2 / 3) / 2, 100 / 3
    assert metric.evaluate(3) == {
        'mAP': pytest.approx((cat + dog) / 2, abs=0.01),
        'AP/cat': pytest.approx(cat, abs=0.01),
        'AP/dog': pytest.approx(dog, abs=0.01),
    }
    assert log == ['mAP leaves out the classes that are in no image: boat.']


def test_with_background(metric):
    metric.process({}, [sample([9.0, 3.0, 1.0, 0.0], [1])])
    assert metric.evaluate(1) == {'mAP': 100, 'AP/background': 100, 'AP/cat': 100}


def test_a_checkpoint_without_the_branch_has_no_map(metric, log):
    metric.process({}, [sample(None, [1]), sample([3.0, 1.0, 9.0], [1])])
    assert metric.evaluate(2) == {}
    assert 'No mAP: 1 of 2 images have no image-level scores, because the checkpoint has no weights' in log[0]


def test_images_of_void_and_background_only(metric, log):
    metric.process({}, [sample([3.0, 1.0, 9.0], [])])
    assert metric.evaluate(1) == {}
    assert 'cat, dog, boat' in log[0]


def test_a_model_without_a_branch_is_told_what_is_needed(metric):
    with pytest.raises(ValueError, match='predicts no image-level scores, .* with a label_branch in its decode head'):
        metric.process({}, [dict(gt_sem_seg=dict(data=torch.zeros(1, 2, 2)))])


def test_scores_of_other_classes(metric):
    with pytest.raises(ValueError, match='gives 20 image-level scores, but the data set has 4 classes'):
        metric.process({}, [sample([0.0] * 20, [1])])
