"""The CRF against exact mean-field inference, and what it refuses."""

import itertools
from dataclasses import asdict, replace

import numpy as np
import pytest

from mmseg_gdn.evaluation.dense_crf import DenseCRF, make_crf
from mmseg_gdn.utils import InputError

SIZE, CLASSES = (16, 20), 3
# With these, every parameter matters in images as small as this.
CRF = DenseCRF(iterations=10, bi_w=2, bi_xy=6, bi_rgb=20, pos_w=1, pos_xy=2)
# pydensecrf filters on a permutohedral lattice. Over ten scenes, its marginals differ from exact ones by at most 0.0028
# on average and 0.046 in a single pixel, and its free energy by at most 0.08 %.
MEAN_ERROR, LARGEST_ERROR, ENERGY_ERROR = 0.004, 0.1, 2e-3


def softmax(scores):
    powers = np.exp(scores - scores.max(0))
    return powers / powers.sum(0)


def scene(seed):
    """An image of three areas, and probabilities that are noisy and out of place."""
    generator = np.random.default_rng(seed)
    labels = np.zeros(SIZE, int)
    labels[4:12, 5:13], labels[9:, 11:] = 1, 2
    colours = np.array([[60, 90, 120], [190, 140, 90], [100, 180, 70]])[labels]
    image = np.clip(colours + generator.normal(0, 6, colours.shape), 0, 255).astype(np.uint8)
    scores = 1.5 * np.eye(CLASSES)[np.roll(labels, (1, 2), (0, 1))].transpose(2, 0, 1)
    scores += generator.normal(0, 0.7, scores.shape)
    return image, softmax(scores).astype(np.float32), labels


def normalised_kernel(features):
    distances = ((features[:, None] - features[None]) ** 2).sum(-1)
    kernel = np.exp(-distances / 2)
    norm = kernel.sum(1) ** -0.5
    return kernel * norm[:, None] * norm


def pairwise(crf, image):
    """Weights of all pairs of pixels, (H W, H W)."""
    rows, columns = np.indices(image.shape[:2]).reshape(2, -1)
    places = np.stack([rows, columns], 1)
    colours = image.reshape(-1, 3).astype(float)
    return crf.pos_w * normalised_kernel(places / crf.pos_xy) + crf.bi_w * normalised_kernel(
        np.concatenate([places / crf.bi_xy, colours / crf.bi_rgb], 1)
    )


def exact(crf, image, probabilities):
    unary = -np.log(probabilities.reshape(CLASSES, -1).astype(float))
    weights, marginals = pairwise(crf, image), softmax(-unary)
    for _ in range(crf.iterations):
        marginals = softmax(-unary + marginals @ weights)
    return marginals.reshape(probabilities.shape)


def free_energy(crf, image, probabilities, marginals):
    """Expected energy minus entropy, which mean-field inference minimises; up to a constant."""
    marginals = marginals.reshape(CLASSES, -1).astype(float)
    unary = -np.log(probabilities.reshape(CLASSES, -1))
    entropy = -(marginals * np.log(np.maximum(marginals, 1e-30))).sum()
    return (marginals * unary).sum() - (marginals @ pairwise(crf, image) * marginals).sum() / 2 - entropy


def exchanged(first, second):
    return {first: getattr(CRF, second), second: getattr(CRF, first)}


def mistakes():
    """Parameters of a wrong implementation: two exchanged, one left out, three times too large or small."""
    names = ('bi_w', 'bi_xy', 'bi_rgb', 'pos_w', 'pos_xy')
    pairs = [exchanged(*pair) for pair in itertools.combinations(names, 2) if pair != ('bi_w', 'pos_xy')]
    scaled = [{name: factor * getattr(CRF, name)} for name in names for factor in (1 / 3, 3)]
    return [*pairs, *scaled, dict(bi_w=0), dict(pos_w=0), dict(iterations=0)]


class TestAgainstExactInference:
    @pytest.mark.parametrize('seed', range(3))
    @pytest.mark.parametrize('iterations', [1, 10])
    def test_marginals(self, seed, iterations):
        image, probabilities, _ = scene(seed)
        crf = replace(CRF, iterations=iterations)
        error = np.abs(crf.refine(image, probabilities) - exact(crf, image, probabilities))
        assert error.mean() < MEAN_ERROR
        assert error.max() < LARGEST_ERROR

    @pytest.mark.parametrize('seed', range(3))
    def test_energy(self, seed):
        image, probabilities, _ = scene(seed)
        energies = [
            free_energy(CRF, image, probabilities, marginals)
            for marginals in (probabilities, exact(CRF, image, probabilities), CRF.refine(image, probabilities))
        ]
        assert energies[2] == pytest.approx(energies[1], rel=ENERGY_ERROR)
        assert energies[1] < energies[0]

    @pytest.mark.parametrize('change', mistakes(), ids=str)
    def test_the_tolerance_tells_parameters_apart(self, change):
        image, probabilities, _ = scene(0)
        refined = replace(CRF, **change).refine(image, probabilities)
        assert np.abs(refined - exact(CRF, image, probabilities)).mean() > 1.5 * MEAN_ERROR

    def test_the_tolerance_tells_the_sign_of_the_energy(self):
        image, probabilities, _ = scene(0)
        refined = CRF.refine(image, softmax(-np.log(probabilities)))
        assert np.abs(refined - exact(CRF, image, probabilities)).mean() > 10 * MEAN_ERROR

    @pytest.mark.parametrize('seed', range(3))
    def test_borders_move_to_those_of_the_image(self, seed):
        image, probabilities, labels = scene(seed)
        crf = DenseCRF(bi_w=6, bi_xy=10, bi_rgb=25, pos_w=2, pos_xy=3)
        share = [(maps.argmax(0) == labels).mean() for maps in (probabilities, crf.refine(image, probabilities))]
        assert share[0] < 0.75
        assert share[1] > 0.95


class TestResult:
    def test_probabilities_of_the_given_shape(self):
        image, probabilities, _ = scene(0)
        image.setflags(write=False)
        refined = CRF.refine(image[..., ::-1], probabilities)
        assert (refined.shape, refined.dtype) == (probabilities.shape, np.float32)
        assert np.allclose(refined.sum(0), 1, atol=1e-5)

    def test_without_iterations_nothing_changes(self):
        image, probabilities, _ = scene(0)
        assert np.allclose(replace(CRF, iterations=0).refine(image, probabilities), probabilities, atol=1e-6)

    def test_classes_that_are_impossible_somewhere(self):
        image, probabilities, _ = scene(0)
        probabilities[0] = 0
        refined = CRF.refine(image, probabilities / probabilities.sum(0))
        assert np.isfinite(refined).all()
        assert refined[0].max() < 1e-6


class TestParameters:
    def test_defaults_are_largefovs(self):
        assert asdict(make_crf(None)) == dict(iterations=10, bi_w=4, bi_xy=49, bi_rgb=5, pos_w=3, pos_xy=3)
        assert make_crf(dict(bi_w=5, bi_xy=50)) == DenseCRF(bi_w=5, bi_xy=50)

    @pytest.mark.parametrize(
        ('settings', 'message'),
        [
            (dict(iterations=-1), 'a whole number, 0 or more, but got -1'),
            (dict(iterations=2.5), 'a whole number, 0 or more, but got 2.5'),
            (dict(bi_w=-1), 'bi_w of the CRF is a number, 0 or more, but got -1'),
            (dict(bi_xy=0), 'bi_xy of the CRF is a number, 0.1 or more, but got 0'),
            (dict(bi_rgb=1e-8), 'bi_rgb of the CRF is a number, 0.1 or more'),
            (dict(pos_xy=float('nan')), 'pos_xy of the CRF is a number, 0.1 or more, but got nan'),
            (dict(pos_w='3'), "pos_w of the CRF is a number, 0 or more, but got '3'"),
            (dict(bi_xyz=3), 'The CRF has no bi_xyz; its parameters are iterations, bi_w, bi_xy'),
        ],
    )
    def test_without_meaning(self, settings, message):
        with pytest.raises(InputError, match=message):
            make_crf(settings)

    @pytest.mark.parametrize(
        ('image', 'probabilities', 'message'),
        [
            (np.zeros((4, 5), np.uint8), np.full((2, 4, 5), 0.5, np.float32), r'images of shape \(H, W, 3\)'),
            (np.zeros((4, 5, 3)), np.full((2, 4, 5), 0.5, np.float32), 'type uint8'),
            (np.zeros((4, 5, 3), np.uint8), np.full((2, 5, 4), 0.5, np.float32), r'of shape \(C, 4, 5\), the size'),
            (np.zeros((4, 5, 3), np.uint8), np.full((2, 4, 5), 0.5), 'type float32'),
            (np.zeros((4, 5, 3), np.uint8), np.full((1, 4, 5), 0.5, np.float32), 'one score map'),
            (np.zeros((4, 5, 3), np.uint8), np.full((2, 4, 5), np.nan, np.float32), 'not finite'),
        ],
    )
    def test_arrays_that_do_not_fit(self, image, probabilities, message):
        with pytest.raises(InputError, match=message):
            CRF.refine(image, probabilities)


@pytest.mark.parametrize('settings', [5, [1, 2], 'bi_w'])
def test_settings_without_names(settings):
    with pytest.raises(InputError, match='by name'):
        make_crf(settings)
