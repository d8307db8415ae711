"""Classes from coarse scores are those that mmseg's EncoderDecoder predicts."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_gdn.models import GlobalInterpHead
from mmseg_gdn.models.segmentors import skip_full_size_scores
from mmseg_gdn.structures import DeferredPixelData

CLASSES = 5
HEADS = {
    'FCNHead': dict(base_type='FCNHead', in_channels=32, channels=8, num_convs=1, norm_cfg=None),
    'ASPPHead': dict(base_type='ASPPHead', in_channels=32, channels=8, dilations=(1, 2), norm_cfg=dict(type='BN')),
    'CaffeFCHead': dict(base_type='CaffeFCHead', layout='largefov', in_channels=32, fc_channels=8),
    'DAHead': dict(base_type='DAHead', in_channels=32, channels=8, pam_channels=4, norm_cfg=dict(type='BN')),
}
SAMPLES = {
    'as it is': dict(img_shape=(64, 96), ori_shape=(64, 96)),
    'padded': dict(img_shape=(60, 81), ori_shape=(60, 81), padding_size=[0, 15, 0, 4]),
    'padded on all sides': dict(img_shape=(50, 80), ori_shape=(50, 80), padding_size=[10, 6, 3, 11]),
    'larger': dict(img_shape=(60, 90), ori_shape=(113, 170), padding_size=[0, 6, 0, 4]),
    'smaller': dict(img_shape=(64, 96), ori_shape=(41, 59)),
    'flipped': dict(img_shape=(64, 96), ori_shape=(90, 96), flip=True, flip_direction='horizontal'),
    'upside down': dict(
        img_shape=(60, 96), ori_shape=(60, 96), padding_size=[0, 0, 0, 4], flip=True, flip_direction='vertical'
    ),
}


def build(type_, head='FCNHead', align_corners=False, mode='whole'):
    torch.manual_seed(0)
    model = (
        MODELS.build(
            ConfigDict(
                type=type_,
                data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=32, test_cfg=dict(size_divisor=32)),
                backbone=dict(
                    type='ResNetV1c',
                    depth=18,
                    base_channels=4,
                    stem_channels=4,
                    norm_cfg=dict(type='BN'),
                    strides=(1, 2, 2, 1),
                    dilations=(1, 1, 1, 2),
                ),
                decode_head=dict(
                    type='GlobalInterpHead',
                    in_index=3,
                    num_classes=CLASSES,
                    align_corners=align_corners,
                    in_size=(4, 6),
                    out_size=(64, 96),
                    **HEADS[head],
                ),
                train_cfg={},
                test_cfg=dict(mode=mode, crop_size=(48, 48), stride=(32, 32)),
            )
        )
        .double()
        .eval()
    )
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    for kernel in (model.decode_head.interp.kernel_h, model.decode_head.interp.kernel_w):
        kernel.data += 0.3 * torch.randn_like(kernel)
    return model


def predict(type_, metas, **settings):
    inputs = torch.randn(len(metas), 3, 64, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    samples = [SegDataSample(metainfo=dict(meta, pad_shape=(64, 96))) for meta in metas]
    with torch.no_grad():
        return build(type_, **settings).predict(inputs, samples)


def assert_same_predictions(results, expected):
    assert len(results) == len(expected)
    for result, reference in zip(results, expected):
        assert result.pred_sem_seg.data.shape == reference.pred_sem_seg.data.shape
        assert torch.equal(result.pred_sem_seg.data, reference.pred_sem_seg.data)
        assert len(reference.pred_sem_seg.data.unique()) > 1, 'a single class would show nothing'
        torch.testing.assert_close(result.seg_logits.data, reference.seg_logits.data)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('name', SAMPLES)
def test_every_way_back_to_the_image(name, align_corners):
    results = predict('GlobalInterpEncoderDecoder', [SAMPLES[name]], align_corners=align_corners)
    assert_same_predictions(results, predict('EncoderDecoder', [SAMPLES[name]], align_corners=align_corners))


def test_a_diagonal_flip_is_taken_back():
    (flipped,) = predict('GlobalInterpEncoderDecoder', [dict(SAMPLES['flipped'], flip_direction='diagonal')])
    (plain,) = predict('GlobalInterpEncoderDecoder', [dict(SAMPLES['flipped'], flip=False)])
    assert torch.equal(flipped.pred_sem_seg.data, plain.pred_sem_seg.data.flip(1, 2))
    torch.testing.assert_close(flipped.seg_logits.data, plain.seg_logits.data.flip(1, 2))


def test_scores_read_later_are_those_of_the_prediction():
    model = build('GlobalInterpEncoderDecoder')
    sample = SegDataSample(metainfo=dict(SAMPLES['as it is'], pad_shape=(64, 96)))
    with torch.no_grad():
        (result,) = model.predict(torch.randn(1, 3, 64, 96, dtype=torch.float64), [sample])
        for parameter in model.parameters():
            parameter.neg_()
        model.decode_head.interp.kernel_h.add_(1)
    assert torch.equal(result.seg_logits.data.argmax(0, keepdim=True), result.pred_sem_seg.data)


@pytest.mark.parametrize('head', HEADS)
def test_heads(head):
    metas = [SAMPLES['padded'], SAMPLES['larger']]
    results = predict('GlobalInterpEncoderDecoder', metas, head=head)
    assert_same_predictions(results, predict('EncoderDecoder', metas, head=head))
    # DAHead takes the first of three score maps: that is mmseg's way.
    assert isinstance(results[0].seg_logits, DeferredPixelData) == (head != 'DAHead')


def test_sliding_windows_go_mmsegs_way():
    results = predict('GlobalInterpEncoderDecoder', [SAMPLES['padded']], mode='slide')
    assert_same_predictions(results, predict('EncoderDecoder', [SAMPLES['padded']], mode='slide'))


@pytest.mark.parametrize(('type_', 'makes'), [('EncoderDecoder', True), ('GlobalInterpEncoderDecoder', False)])
def test_full_size_scores_are_made_when_they_are_read(type_, makes, largest_tensor):
    meta = dict(img_shape=(64, 96), ori_shape=(640, 960))
    full = CLASSES * 640 * 960
    with largest_tensor() as largest:
        (result,) = predict(type_, [meta])
        assert (largest.numel >= full) == makes
        result.to_dict()
        assert (largest.numel >= full) == makes, 'an evaluator asks for this'
        assert result.to_dict()['seg_logits']['data'].numel() == full
        assert largest.numel >= full


def test_test_time_augmentation_reads_them():
    images = [torch.randint(0, 255, (3, *size)) for size in ((64, 96), (32, 64))]
    results = []
    for type_ in ('GlobalInterpEncoderDecoder', 'EncoderDecoder'):
        model = MODELS.build(dict(type='SegTTAModel', module=build(type_).float())).eval()
        samples = [
            [SegDataSample(metainfo=dict(ori_shape=(64, 96), img_shape=tuple(image.shape[1:]), img_path='a'))]
            for image in images
        ]
        results += model.test_step(dict(inputs=[[image] for image in images], data_samples=samples))
    assert torch.equal(results[0].pred_sem_seg.data, results[1].pred_sem_seg.data)


class TestAuxiliaryHeads:
    LOSS = dict(type='MultiLabelAuxLoss')

    def aux(self, auxiliary_head, **decode_head):
        model = MODELS.build(
            ConfigDict(
                type='GlobalInterpEncoderDecoder',
                backbone=dict(type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=dict(type='BN')),
                decode_head=dict(
                    type='GlobalInterpHead',
                    base_type='FCNHead',
                    in_channels=32,
                    channels=8,
                    num_convs=1,
                    num_classes=CLASSES,
                    in_size=(2, 3),
                    out_size=(64, 96),
                    **decode_head,
                ),
                auxiliary_head=auxiliary_head,
            )
        )
        return model.auxiliary_head

    def test_labels_follow_from_the_decode_head(self):
        head = dict(type='MultiLabelHead', in_channels=32, in_index=3, loss_decode=self.LOSS)
        for found in (self.aux(head, ignore_index=11), self.aux([head], ignore_index=11)[0]):
            assert (found.num_classes, found.ignore_index, found.with_background) == (CLASSES, 11, False)
        found = self.aux(head, label_branch=dict(with_background=True))
        assert found.with_background
        assert found.loss_decode.with_background

    def test_however_it_is_named(self):
        head = dict(type='mmseg.MultiLabelHead', in_channels=32, in_index=3)
        assert self.aux(head, ignore_index=11).ignore_index == 11

    def test_its_own_config_wins(self):
        head = dict(type='MultiLabelHead', in_channels=32, in_index=3, num_classes=7, ignore_index=9)
        found = self.aux(head, ignore_index=11)
        assert (found.num_classes, found.ignore_index) == (7, 9)

    def test_other_heads_are_left_alone(self):
        head = dict(type='FCNHead', in_channels=32, in_index=3, channels=4, num_convs=1, num_classes=CLASSES)
        assert self.aux(head, ignore_index=11).ignore_index == 255


def test_training_and_forward_are_mmsegs():
    model, reference = build('GlobalInterpEncoderDecoder'), build('EncoderDecoder')
    inputs = torch.randn(1, 3, 64, 96, dtype=torch.float64)
    assert torch.equal(model(inputs), reference(inputs))
    assert model.state_dict().keys() == reference.state_dict().keys()


@pytest.mark.parametrize(
    ('segmentor', 'head', 'expected'),
    [
        ('EncoderDecoder', 'GlobalInterpHead', 'GlobalInterpEncoderDecoder'),
        ('mmseg.EncoderDecoder', 'mmseg.GlobalInterpHead', 'GlobalInterpEncoderDecoder'),
        (EncoderDecoder, GlobalInterpHead, 'GlobalInterpEncoderDecoder'),
        ('EncoderDecoder', 'FCNHead', 'EncoderDecoder'),
        ('EncoderDecoder', 'NoSuchHead', 'EncoderDecoder'),
        ('CaffeEncoderDecoder', 'GlobalInterpHead', 'CaffeEncoderDecoder'),
    ],
)
def test_which_configs_skip_full_size_scores(segmentor, head, expected):
    model = dict(type=segmentor, decode_head=dict(type=head))
    assert skip_full_size_scores(model) == (segmentor != expected)
    assert model == dict(type=expected, decode_head=dict(type=head))
