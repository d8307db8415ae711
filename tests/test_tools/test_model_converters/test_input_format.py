"""Input order and scaling of the first layer."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from input_format import caffe_input

MEAN_BGR = np.array([103.939, 116.779, 123.68])


@pytest.fixture
def image():
    """An image in BGR, 0..255."""
    return np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(float)


def conv(weight, inputs):
    return F.conv2d(torch.from_numpy(inputs.transpose(2, 0, 1).copy())[None], torch.from_numpy(weight), padding=1)


def weight():
    return np.random.default_rng(1).normal(size=(4, 3, 3, 3))


def test_caffes_own_input_stays():
    np.testing.assert_array_equal(caffe_input(weight()), weight())


def test_rgb_to_bgr(image):
    """By hand for one pixel and one kernel, and as a convolution of a whole image, padding included."""
    one = np.array([1, 10, 100], np.float32).reshape(1, 3, 1, 1)
    assert caffe_input(one, 'RGB').reshape(-1).tolist() == [100, 10, 1]
    trained = conv(weight(), (image - MEAN_BGR)[:, :, ::-1])
    torch.testing.assert_close(conv(caffe_input(weight(), 'RGB'), image - MEAN_BGR), trained)


def test_scaling(image):
    assert caffe_input(np.full((1, 3, 1, 1), 51, np.float32), scale=1 / 255).reshape(-1).tolist() == pytest.approx(
        [0.2, 0.2, 0.2]
    )
    trained = conv(weight(), (image - MEAN_BGR) / 255)
    torch.testing.assert_close(conv(caffe_input(weight(), scale=1 / 255), image - MEAN_BGR), trained)


def test_order_and_one_scale_per_channel(image):
    """As torchvision's models: RGB of 0..1, minus a mean, divided by a standard deviation."""
    std = np.array([0.229, 0.224, 0.225])
    trained = conv(weight(), (image - MEAN_BGR)[:, :, ::-1] / 255 / std)
    converted = caffe_input(weight(), 'RGB', [1 / (255 * value) for value in std])
    torch.testing.assert_close(conv(converted, image - MEAN_BGR), trained)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_the_type_of_numbers_stays(dtype):
    assert caffe_input(weight().astype(dtype), 'RGB', [1 / 255, 0.5, 2]).dtype == dtype
