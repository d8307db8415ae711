"""VGG-16 with Caffe's sizes."""

import json

import pytest
import torch
from mmpretrain.models import VGG

from mmseg_gdn.models import CaffeVGG

THIN = (2, 2, 2, 2, 3)


@pytest.mark.parametrize('layout', ['fcn32s', 'largefov'])
def test_keys_and_shapes_are_mmpretrains(layout):
    ours = {key: value.shape for key, value in CaffeVGG(layout).state_dict().items()}
    theirs = {key: value.shape for key, value in VGG(depth=16).state_dict().items()}
    assert ours == theirs


@pytest.mark.parametrize(
    ('layout', 'size', 'expected'),
    [
        ('fcn32s', (500, 500), (22, 22)),
        ('fcn32s', (500, 375), (22, 18)),
        ('fcn32s', (321, 321), (17, 17)),
        ('largefov', (500, 375), (64, 48)),
        ('largefov', (321, 321), (41, 41)),
    ],
)
def test_sizes(layout, size, expected):
    (features,) = CaffeVGG(layout, widths=THIN)(torch.zeros(1, 3, *size))
    assert features.shape == (1, THIN[-1], *expected)


@pytest.mark.parametrize(('layout', 'conv5'), [('fcn32s', (1, 1)), ('largefov', (2, 2))])
def test_conv5_is_dilated_in_largefov_alone(layout, conv5):
    convs = [module for module in CaffeVGG(layout, widths=THIN).modules() if isinstance(module, torch.nn.Conv2d)]
    assert [conv.dilation for conv in convs] == [(1, 1)] * 10 + [conv5] * 3


def test_sizes_equal_caffes_for_every_input(golden_dir):
    table = json.loads((golden_dir / 'spatial_shapes.json').read_text())
    assert len(table) == 18
    for run, shapes in table.items():
        layout = 'fcn32s' if run.startswith('fcn32s') else 'largefov'
        height, width = shapes['data']
        (features,) = CaffeVGG(layout, widths=(1, 1, 1, 1, 1))(torch.zeros(1, 3, height, width))
        assert list(features.shape[2:]) == shapes['pool5'], run


def test_unknown_arguments():
    with pytest.raises(ValueError, match="'fcn32s' or 'largefov'"):
        CaffeVGG('fcn8s')
    with pytest.raises(ValueError, match='five stages'):
        CaffeVGG(widths=(64, 128))
