"""Sorting the layers of Caffe models into our segmentor's keys."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from mmseg_gdn.caffe import CaffeLayer, convert, read_caffemodel
from mmseg_gdn.models.backbones import CaffeVGG
from mmseg_gdn.models.decode_heads import CaffeFCHead
from mmseg_gdn.utils import InputError

from .caffemodels import golden_layers, vgg, write, write_v1

GOLDEN = Path(__file__).parents[1] / 'data' / 'golden'
WIDTHS = (2, 2, 3, 3, 4)


def as_read(layers):
    """Layers as the reader gives them."""
    return {name: CaffeLayer(name, kind, tuple(blobs)) for name, (kind, blobs) in layers.items()}


def golden(name, run=''):
    with np.load(GOLDEN / f'{name}.npz') as arrays:
        return as_read(golden_layers(arrays, run))


@pytest.fixture(scope='module')
def fcn32s():
    return golden('fcn32s_thin')


@pytest.fixture(scope='module')
def gdn():
    return golden('deeplab_gdn_thin', 'b96x75_n2')


def replaced(layers, name, *blobs, kind=None):
    """The same layers with other blobs in one of them."""
    kind = kind or (layers[name].type if name in layers else 'Convolution')
    return layers | {name: CaffeLayer(name, kind, tuple(np.asarray(blob, np.float32) for blob in blobs))}


def refusal(layers, layout, **kwargs):
    with pytest.raises(InputError) as caught:
        convert(layers, layout, **kwargs)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def assert_accounted(result, layers):
    """Every layer is either used or left over, with a reason."""
    assert sorted([*result.used, *result.left_over]) == sorted(layers)
    assert all(result.left_over.values())


class TestImageNetModels:
    @pytest.mark.parametrize('writer', [write, write_v1])
    def test_fully_connected_layers_become_convolutions(self, tmp_path, writer):
        layers = vgg(WIDTHS, fc=5)
        result = convert(read_caffemodel(writer(tmp_path / 'vgg.caffemodel', layers)), 'fcn32s')
        maps = torch.randn(2, WIDTHS[-1], 7, 7)
        x = maps
        for name in ('fc6', 'fc7'):
            weight, bias = map(torch.from_numpy, layers[name][1])
            expected = F.linear(x.flatten(1), weight, bias)
            converted = [torch.from_numpy(result.state[f'decode_head.{name}.{leaf}']) for leaf in ('weight', 'bias')]
            torch.testing.assert_close(F.conv2d(x, *converted).flatten(1), expected)
            x = expected[:, :, None, None]
        assert result.state['decode_head.fc6.weight'].shape == (5, 4, 7, 7)

    @pytest.mark.parametrize('writer', [write, write_v1])
    def test_the_convolutions(self, tmp_path, writer):
        layers = vgg(WIDTHS)
        result = convert(read_caffemodel(writer(tmp_path / 'vgg.caffemodel', layers)), 'fcn32s')
        backbone = CaffeVGG('fcn32s', WIDTHS)
        state = {
            key.removeprefix('backbone.'): torch.from_numpy(value)
            for key, value in result.state.items()
            if key.startswith('backbone.')
        }
        backbone.load_state_dict(state)
        convs = [module for module in backbone.modules() if isinstance(module, torch.nn.Conv2d)]
        stored = [blobs for name, (_, blobs) in layers.items() if name.startswith('conv')]
        assert len(convs) == len(stored) == 13
        for conv, (weight, bias) in zip(convs, stored):
            np.testing.assert_array_equal(conv.weight.detach(), weight)
            np.testing.assert_array_equal(conv.bias.detach(), bias)

    def test_the_head_loads(self):
        result = convert(as_read(vgg(WIDTHS, fc=5)), 'fcn32s')
        head = CaffeFCHead('fcn32s', WIDTHS[-1], 5)
        state = {
            key.removeprefix('decode_head.'): torch.from_numpy(value)
            for key, value in result.state.items()
            if key.startswith('decode_head.')
        }
        outcome = head.load_state_dict(state, strict=False)
        assert outcome.missing_keys == ['conv_seg.weight', 'conv_seg.bias']
        assert outcome.unexpected_keys == []

    @pytest.mark.parametrize('writer', [write, write_v1])
    def test_its_thousand_classes_are_left_over(self, tmp_path, writer):
        layers = read_caffemodel(writer(tmp_path / 'vgg.caffemodel', vgg(WIDTHS)))
        result = convert(layers, 'fcn32s')
        assert result.left_over == {'fc8': '1000 classes instead of 21'}
        assert_accounted(result, layers)

    def test_layers_for_other_maps_are_left_over(self):
        layers = as_read(vgg(WIDTHS, map_side=7))
        result = convert(layers, 'largefov')
        assert result.left_over['fc6'] == 'made for 7x7 maps, but the layout largefov has 3x3'
        assert set(result.left_over) == {'fc6', 'fc7', 'fc8'}
        assert len(result.used) == 13 and len(result.state) == 26
        assert_accounted(result, layers)

    def test_the_reduced_one_fits_largefov(self):
        result = convert(as_read(vgg(WIDTHS, map_side=3)), 'largefov')
        assert result.state['decode_head.fc6.weight'].shape == (5, 4, 3, 3)
        assert {'fc6', 'fc7'} <= set(result.used)

    @pytest.mark.parametrize('name', ['fc6', 'fc7'])
    def test_one_of_fc6_and_fc7_alone(self, name):
        layers = as_read(vgg(WIDTHS))
        del layers[name]
        result = convert(layers, 'fcn32s')
        assert len(result.state) == 26
        other = {'fc6': 'fc7', 'fc7': 'fc6'}[name]
        assert 'belong together' in result.left_over[other]
        assert_accounted(result, layers)

    def test_width_one_is_no_fully_connected_layer(self):
        layers = as_read(vgg((1, 1, 1, 1, 1)))
        assert layers['conv1_2'].blobs[0].shape == (1, 1, 3, 3)
        result = convert(layers, 'fcn32s')
        np.testing.assert_array_equal(result.state['backbone.features.1.conv.weight'], layers['conv1_2'].blobs[0])

    def test_maps_that_are_not_square(self):
        layers = as_read(vgg(WIDTHS))
        layers = replaced(layers, 'fc6', np.ones((5, 4 * 7 * 6)), np.ones(5))
        assert 'fc6 reads 168 values, which do not form square maps of the 4 channels' in refusal(layers, 'fcn32s')


class TestSegmentationModels:
    def test_fcn32s(self, fcn32s):
        result = convert(fcn32s, 'fcn32s')
        assert result.left_over == {}
        assert_accounted(result, fcn32s)
        assert result.used['score_fr'] == 'decode_head.conv_seg'
        assert result.used['upscore'].startswith('decode_head.upscore')
        assert len(result.state) == 2 * 16
        np.testing.assert_array_equal(result.state['decode_head.fc6.weight'], fcn32s['fc6'].blobs[0])

    @pytest.mark.parametrize(
        ('net', 'layout', 'right'), [('fcn32s', 'largefov', 'fcn32s'), ('gdn', 'fcn32s', 'largefov')]
    )
    def test_the_other_layout_is_named(self, request, net, layout, right):
        message = refusal(request.getfixturevalue(net), layout)
        assert message.endswith(f'convert this model with --layout {right}.')

    def test_no_layout_is_named_if_none_fits(self, gdn):
        layers = replaced(gdn, 'fc6', np.zeros((64, 32, 4, 4)), np.zeros(64))
        message = refusal(layers, 'largefov')
        assert message.startswith('fc6 is 4x4, but the layout largefov has 3x3')
        assert '--layout' not in message

    @pytest.mark.parametrize('name', ['conv1_1', 'conv3_2', 'conv5_3'])
    def test_a_missing_convolution(self, fcn32s, name):
        layers = {key: layer for key, layer in fcn32s.items() if key != name}
        assert f'has no layer {name}' in refusal(layers, 'fcn32s')

    def test_no_vgg(self):
        layer = CaffeLayer('evil\n\x1b[31m', 'Convolution', (np.ones((1, 3, 3, 3), np.float32),))
        message = refusal({layer.name: layer}, 'fcn32s')
        assert "has no layer conv1_1 (it has 'evil\\n\\x1b[31m', ...), so it is not a VGG-16" in message
        assert 'has no layer conv1_1' in refusal({}, 'fcn32s')

    def test_a_second_score_layer(self, gdn):
        second = {'fc8_b': CaffeLayer('fc8_b', 'Convolution', gdn['fc8_voc12'].blobs)}
        assert 'fc8_b is a second layer for decode_head.conv_seg' in refusal(gdn | second, 'largefov')

    def test_a_score_layer_of_other_channels(self, fcn32s):
        layers = replaced(fcn32s, 'score_pool4', np.zeros((21, 32, 1, 1)), np.zeros(21))
        assert 'of score_pool4 have the shape (21, 32, 1, 1), but (outputs, 64,' in refusal(layers, 'fcn32s')

    def test_other_numbers_of_classes_are_left_over(self, fcn32s):
        layers = replaced(fcn32s, 'score_fr', np.zeros((60, 64, 1, 1)), np.zeros(60))
        result = convert(layers, 'fcn32s')
        assert result.left_over == {'score_fr': '60 classes instead of 21'}

    def test_whatever_else_is_left_over(self, gdn):
        layers = gdn | {
            'bn1': CaffeLayer('bn1', 'BatchNorm', (np.ones(4, np.float32),)),
            'odd': CaffeLayer('odd', 'V1 type 77', (np.ones((), np.float32),)),
        }
        result = convert(layers, 'largefov')
        assert result.left_over == {
            'bn1': 'no counterpart for a layer of type BatchNorm',
            'odd': 'no counterpart for a layer of type V1 type 77',
        }
        assert_accounted(result, layers)

    def test_the_multi_label_layer(self):
        layers = golden('fcn32s_gdn_thin', 'b75x110_n2')
        for shape in ((20, 64), (1, 1, 20, 64)):
            weight, bias = layers['cls_fc'].blobs
            result = convert(replaced(layers, 'cls_fc', weight.reshape(shape), bias), 'fcn32s')
            assert result.used['cls_fc'] == 'decode_head.multi_label_head.fc'
            np.testing.assert_array_equal(result.state['decode_head.multi_label_head.fc.weight'], weight)
            assert_accounted(result, layers)

    def test_a_multi_label_layer_of_other_channels(self):
        layers = replaced(golden('fcn32s_gdn_thin'), 'cls_fc', np.zeros((20, 63)), np.zeros(20))
        assert 'The weights of cls_fc have the shape (20, 63) instead of (20, 64)' in refusal(layers, 'fcn32s')

    @pytest.mark.parametrize(
        ('name', 'blobs', 'reason'),
        [
            ('conv2_1', [np.zeros((8, 5, 3, 3)), np.zeros(8)], '(8, 5, 3, 3), but (outputs, 4, height, width)'),
            ('conv2_1', [np.zeros((8, 4, 5, 5)), np.zeros(8)], '(8, 4, 5, 5) instead of (8, 4, 3, 3)'),
            ('conv2_1', [np.zeros((8, 4, 3, 3))], 'weights and one bias per output'),
            ('conv2_1', [np.zeros((8, 4, 3, 3)), np.zeros(7)], 'weights and one bias per output'),
            ('conv2_1', [np.zeros((8, 4, 3, 3)), np.zeros(8), np.zeros(8)], 'weights and one bias per output'),
            ('conv2_1', [np.zeros(8)], '(8,), but (outputs, 4, height, width)'),
            # A layer may be as wide as it likes, but the one behind it must follow.
            (
                'conv2_2',
                [np.zeros((9, 8, 3, 3)), np.zeros(9)],
                'conv3_1 have the shape (16, 8, 3, 3), but (outputs, 9,',
            ),
            ('fc6', [np.zeros((64, 31, 3, 3)), np.zeros(64)], '(64, 31, 3, 3), but (outputs, 32, height, width)'),
            ('fc7', [np.zeros((64, 64, 3, 3)), np.zeros(64)], '(64, 64, 3, 3) instead of (64, 64, 1, 1)'),
            ('fc7', [np.zeros((64, 64)), np.zeros(64)], '(64, 64), but (outputs, 64, height, width)'),
            ('fc8_voc12', [np.zeros((21, 64, 3, 3)), np.zeros(21)], '(21, 64, 3, 3) instead of (21, 64, 1, 1)'),
        ],
    )
    def test_shapes_that_do_not_fit(self, gdn, name, blobs, reason):
        message = refusal(replaced(gdn, name, *blobs), 'largefov')
        assert reason in message and '; give a model' in message

    @settings(deadline=None, max_examples=200)
    @given(data=st.data())
    def test_any_shapes_are_converted_or_refused(self, gdn, data):
        name = data.draw(st.sampled_from([*gdn, 'cls_fc', 'upscore', 'another']))
        kind = data.draw(st.sampled_from(['Convolution', 'InnerProduct', 'Deconvolution', 'Python', 'X']))
        shapes = data.draw(st.lists(array_shapes(min_dims=0, max_dims=5, max_side=25), min_size=1, max_size=3))
        # Zeros that are stored once, whatever the shape.
        blobs = tuple(np.broadcast_to(np.float32(0), shape) for shape in shapes)
        layers = gdn | {name: CaffeLayer(name, kind, blobs)}
        try:
            result = convert(layers, 'largefov')
        except InputError as error:
            assert '\n' not in str(error)
        else:
            assert_accounted(result, layers)


class TestMatrices:
    def test_they_are_transposed(self, gdn):
        result = convert(gdn, 'largefov')
        assert result.used['gdn'] == 'decode_head.interp'
        for side, blob in zip('hw', gdn['gdn'].blobs):
            kernel = result.state[f'decode_head.interp.kernel_{side}']
            np.testing.assert_array_equal(kernel, blob.T)
            assert kernel.flags.c_contiguous
        assert result.state['decode_head.interp.kernel_h'].shape == (96, 13)

    def test_those_given_apart_win(self, gdn):
        given_apart = np.ones((64, 500), np.float32), np.full((48, 375), 2, np.float32)
        result = convert(gdn, 'largefov', kernels=given_apart)
        np.testing.assert_array_equal(result.state['decode_head.interp.kernel_h'], np.ones((500, 64)))
        np.testing.assert_array_equal(result.state['decode_head.interp.kernel_w'], np.full((375, 48), 2))
        assert result.left_over == {'gdn': 'its matrices are replaced by the ones given separately'}
        assert_accounted(result, gdn)

    def test_a_model_without_any(self, fcn32s):
        assert not any('interp' in key for key in convert(fcn32s, 'fcn32s').state)
        kernels = np.ones((5, 131)), np.ones((4, 97))
        assert convert(fcn32s, 'fcn32s', kernels=kernels).state['decode_head.interp.kernel_w'].shape == (97, 4)

    @pytest.mark.parametrize('shape', [(500, 64), (64,), (1, 64, 500), (0, 500), (0, 0), ()])
    @pytest.mark.parametrize('side', [0, 1])
    def test_other_shapes(self, gdn, shape, side):
        kernels = [np.ones((64, 500), np.float32)] * 2
        kernels[side] = np.ones(shape, np.float32)
        message = refusal(gdn, 'largefov', kernels=tuple(kernels))
        assert f'The matrix of the {("rows", "columns")[side]} has the shape {shape}, but (coarse, full)' in message


class TestDeconvolution:
    @pytest.fixture
    def filters(self, fcn32s):
        return fcn32s['upscore'].blobs[0].copy()

    def test_a_trained_one(self, fcn32s, filters):
        filters[3, 3] *= 1.01
        assert 'The deconvolution upscore is not the bilinear 64x64 filter' in refusal(
            replaced(fcn32s, 'upscore', filters), 'fcn32s'
        )

    def test_one_that_mixes_classes(self, fcn32s, filters):
        filters[3, 4, 31, 31] = 1e-3
        assert 'is not the bilinear 64x64 filter' in refusal(replaced(fcn32s, 'upscore', filters), 'fcn32s')

    def test_one_with_a_bias(self, fcn32s, filters):
        assert 'is not the bilinear 64x64 filter' in refusal(
            replaced(fcn32s, 'upscore', filters, np.ones(21)), 'fcn32s'
        )

    @pytest.mark.parametrize(
        'shape', [(21, 21, 4, 4), (21, 1, 64, 64), (64, 64), (64,), (), (1, 1, 1, 10**7), (2, 2, 32, 64)]
    )
    def test_other_shapes(self, fcn32s, shape):
        layer = CaffeLayer('upscore', 'Deconvolution', (np.zeros(shape, np.float32),))
        assert 'is not the bilinear 64x64 filter' in refusal(fcn32s | {'upscore': layer}, 'fcn32s')

    def test_another_name(self, fcn32s, filters):
        layers = {name: layer for name, layer in fcn32s.items() if name != 'upscore'}
        layers['score_up'] = CaffeLayer('score_up', 'Deconvolution', (filters,))
        assert 'score_up' in convert(layers, 'fcn32s').used
