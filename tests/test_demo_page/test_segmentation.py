"""What the models say, and how it is painted."""

from dataclasses import replace

import numpy as np
import pytest

from mmseg_gdn.demo_page.models import NamedModel
from mmseg_gdn.demo_page.photograph import read_photograph
from mmseg_gdn.demo_page.segmentation import segment
from mmseg_gdn.evaluation.dense_crf import DenseCRF
from mmseg_gdn.utils.images import read_image


class Spent:
    """A model that can say nothing more."""

    def __init__(self, predictor):
        self.legend, self.crf = predictor.legend, predictor.crf

    def __call__(self, *args, **kwargs):
        raise AssertionError('the network has been run again')


@pytest.fixture
def spent(segmentation):
    models = [NamedModel(model.name, Spent(model.predictor)) for model in segmentation.models]
    return replace(segmentation, models=models)


def pixels(pictures):
    return [np.asarray(picture).astype(int) for picture in pictures]


def test_predictions_are_those_of_the_tool(segmentation, models, cat):
    for model, prediction in zip(models, segmentation.predictions):
        assert np.array_equal(prediction.classes, model.predictor(read_image(cat), cat).classes)
        assert (prediction.classes == model.predictor.legend.names.index('cat')).mean() > 0.5
    assert (segmentation.predictions[0].classes != segmentation.predictions[1].classes).any()


def test_colours_change_without_the_network(spent, cat):
    photograph = read_image(cat)[..., ::-1].astype(int)
    cat_pixels = spent.predictions[1].classes == spent.models[1].predictor.legend.names.index('cat')
    changes = []
    for strength in (0, 0.4, 1):
        _, right = pixels(spent.pictures(strength, with_crf=False))
        is_border = (right == 255).all(-1)
        changes.append(np.abs(right - photograph)[cat_pixels & ~is_border].mean())
        assert np.array_equal(right[~cat_pixels & ~is_border], photograph[~cat_pixels & ~is_border])
    assert changes[0] == 0 < changes[1] < changes[2]


def test_each_side_shows_its_model(spent):
    left, right = pixels(spent.pictures(1, with_crf=False))
    differs = spent.predictions[0].classes != spent.predictions[1].classes
    assert (left != right).any(-1)[differs].mean() > 0.9


def test_one_model_is_shown_beside_the_photograph(models, cat):
    alone = segment(models[1:], read_photograph(str(cat), 1024))
    left, right = pixels(alone.pictures(0.5, with_crf=False))
    assert np.array_equal(left, read_image(cat)[..., ::-1])
    assert (left != right).any()


@pytest.mark.slow
def test_the_crf_is_that_of_the_tools_and_runs_once(segmentation, spent, models, cat):
    pytest.importorskip('pydensecrf')
    segmentation.refine()
    for model, prediction, refined in zip(models, segmentation.predictions, segmentation.classes(with_crf=True)):
        probabilities = model.predictor(read_image(cat), cat, with_probabilities=True).probabilities
        expected = DenseCRF().refine(read_image(cat)[..., ::-1], probabilities.astype(np.float32)).argmax(0)
        assert np.array_equal(refined, expected)
        assert (refined != prediction.classes).any()
    assert segmentation.classes(with_crf=False)[0] is segmentation.predictions[0].classes
    kept = replace(spent, refined=segmentation.refined)
    kept.refine()
    assert kept.refined is segmentation.refined
