"""Sizes that mmseg's pipelines make: an untrained variant goes on predicting what the stock model predicts."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

CROP = (64, 96)
HEAD = dict(
    in_channels=32, in_index=3, channels=8, num_convs=1, num_classes=5, dropout_ratio=0, norm_cfg=dict(type='BN')
)


def config(head: dict, preprocessor: dict, **test_cfg) -> ConfigDict:
    preprocessor = dict(type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, seg_pad_val=255, **preprocessor)
    return ConfigDict(
        type='EncoderDecoder',
        data_preprocessor=preprocessor,
        backbone=dict(type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=dict(type='BN')),
        decode_head=head,
        train_cfg={},
        test_cfg=dict(dict(mode='whole'), **test_cfg),
    )


@pytest.fixture
def build_pair():
    """Build a stock model and, with its weights, its variant; the scores differ between pixels and classes."""

    def build(preprocessor=None, wrap=lambda model: model, **test_cfg):
        preprocessor = preprocessor or dict(size=CROP)
        stock = MODELS.build(wrap(config(dict(HEAD, type='FCNHead'), preprocessor, **test_cfg)))
        segmentor = getattr(stock, 'module', stock)
        torch.nn.init.normal_(segmentor.decode_head.conv_seg.weight)
        for module in segmentor.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = None
        # A network that has seen nothing lets one class win everywhere.
        with torch.no_grad():
            scores = segmentor.train().decode_head(segmentor.extract_feat(torch.randn(4, 3, *CROP)))
            segmentor.decode_head.conv_seg.bias -= scores.mean((0, 2, 3))
        gdn = dict(
            HEAD, type='GlobalInterpHead', base_type='FCNHead', in_size=(2, 3), out_size=CROP, any_train_size=True
        )
        variant = MODELS.build(wrap(config(gdn, preprocessor, **test_cfg)))
        assert all('kernel_' in key for key in variant.load_state_dict(stock.state_dict(), strict=False).missing_keys)
        return stock, variant

    return build


def image(height: int, width: int) -> torch.Tensor:
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8)


def sample(size: tuple[int, int], **meta) -> SegDataSample:
    label = PixelData(data=torch.randint(0, 5, (1, *size)))
    return SegDataSample(gt_sem_seg=label, metainfo=dict(dict(img_shape=size, ori_shape=size), **meta))


def assert_same_predictions(pair, data: dict, sizes: list) -> None:
    with torch.no_grad():
        wanted, found = (model.eval().test_step(copy.deepcopy(data)) for model in pair)
    for one, other, size in zip(found, wanted, sizes):
        assert one.pred_sem_seg.shape == other.pred_sem_seg.shape == size
        torch.testing.assert_close(one.seg_logits.data, other.seg_logits.data, rtol=1e-4, atol=1e-4)
        assert (one.pred_sem_seg.data == other.pred_sem_seg.data).double().mean() >= 0.999
        assert other.pred_sem_seg.data.unique().numel() > 1, 'a single class would show nothing'


def assert_same_losses(pair, data: dict) -> None:
    wanted, found = [], []
    for model, losses in zip(pair, (wanted, found)):
        prepared = model.data_preprocessor(copy.deepcopy(data), training=True)
        losses.append(model.train().loss(**prepared)['decode.loss_ce'])
    assert wanted[0] > 0
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize('size', [(64, 96), (63, 95), (50, 130), (129, 161), (33, 31)])
def test_an_image_as_it_is(build_pair, size):
    assert_same_predictions(build_pair(), dict(inputs=[image(*size)], data_samples=[sample(size)]), [size])


@pytest.mark.parametrize('test_cfg', [dict(size_divisor=32), dict(size=(128, 160))], ids=['size_divisor', 'size'])
@pytest.mark.parametrize('size', [(96, 128), (120, 70), (33, 95)])
def test_a_batch_padded_by_the_preprocessor(build_pair, test_cfg, size):
    pair = build_pair(dict(size=CROP, test_cfg=test_cfg))
    data = dict(inputs=[image(*size), image(*size)], data_samples=[sample(size), sample(size)])
    assert_same_predictions(pair, data, [size, size])


def test_images_scaled_by_the_pipeline(build_pair):
    size, original = (90, 120), (181, 243)
    data = dict(inputs=[image(*size)], data_samples=[sample(size, ori_shape=original)])
    assert_same_predictions(build_pair(dict(size=CROP, test_cfg=dict(size_divisor=32))), data, [original])


@pytest.mark.parametrize('window', [CROP, (48, 80), (57, 71)])
def test_sliding_windows(build_pair, window):
    sizes = [(130, 200)]
    pair = build_pair(mode='slide', crop_size=window, stride=(40, 50))
    assert_same_predictions(pair, dict(inputs=[image(*sizes[0])], data_samples=[sample(sizes[0])]), sizes)


def test_an_image_smaller_than_the_sliding_window(build_pair):
    pair = build_pair(mode='slide', crop_size=CROP, stride=(40, 50))
    assert_same_predictions(pair, dict(inputs=[image(51, 83)], data_samples=[sample((51, 83))]), [(51, 83)])


@pytest.mark.parametrize(
    'mode', [dict(mode='whole'), dict(mode='slide', crop_size=CROP, stride=(40, 50))], ids=['whole', 'slide']
)
def test_several_scales_and_flips(build_pair, mode):
    original = (77, 115)
    pair = build_pair(wrap=lambda model: dict(type='SegTTAModel', module=model), **mode)
    photo, inputs, samples = image(*original)[None].float(), [], []
    for scale in (0.5, 1.0, 1.75):
        scaled = F.interpolate(photo, scale_factor=scale)[0].byte()
        for flip in (False, True):
            inputs.append([scaled.flip(2) if flip else scaled])
            samples.append(
                [
                    sample(
                        tuple(scaled.shape[1:]),
                        img_path='a.jpg',
                        ori_shape=original,
                        flip=flip,
                        flip_direction='horizontal' if flip else None,
                    )
                ]
            )
    data = dict(inputs=inputs, data_samples=samples)
    with torch.no_grad():
        wanted, found = (model.eval().test_step(copy.deepcopy(data))[0].pred_sem_seg.data for model in pair)
    assert found.shape == (1, *original)
    assert wanted.unique().numel() > 1
    assert (found == wanted).double().mean() >= 0.999


@pytest.mark.parametrize(
    'preprocessor',
    [dict(size=CROP), dict(size_divisor=32), dict(size_divisor=50)],
    ids=['size', 'size_divisor', 'odd size_divisor'],
)
def test_training_on_images_of_different_sizes(build_pair, preprocessor):
    sizes = [(64, 90), (41, 96), (33, 57)]
    data = dict(inputs=[image(*size) for size in sizes], data_samples=[sample(size) for size in sizes])
    assert_same_losses(build_pair(preprocessor), data)


@pytest.mark.parametrize('crop', [(33, 47), (96, 64), (128, 192)])
def test_training_on_crops_of_another_size(build_pair, crop):
    data = dict(inputs=[image(*crop), image(*crop)], data_samples=[sample(crop), sample(crop)])
    assert_same_losses(build_pair(dict(size=crop)), data)
