"""The loss without full-size scores: equal to the plain one, and taken where it can be."""

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_gdn.models import GlobalInterpHead
from mmseg_gdn.models.decode_heads.fused_loss import find_fused_loss

SIZE, CLASSES = (72, 96), 7
FUSED = [
    dict(type='CrossEntropyLoss', avg_non_ignore=False),
    dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.4, loss_name='loss_pixels'),
    dict(type='CrossEntropyLoss', reduction='sum', loss_weight=1e-3),
    dict(type='CaffeSoftmaxLoss'),
    dict(type='CaffeSoftmaxLoss', normalize=False, loss_weight=1e-3),
]
PLAIN = [
    dict(type='CrossEntropyLoss', use_sigmoid=True),
    dict(type='CrossEntropyLoss', reduction='none'),
    [dict(type='CrossEntropyLoss'), dict(type='DiceLoss', loss_name='loss_dice')],
]


def build(loss, **settings):
    torch.manual_seed(0)
    head = MODELS.build(
        dict(
            type='GlobalInterpHead',
            base_type='FCNHead',
            in_size=(9, 12),
            in_channels=8,
            channels=8,
            num_convs=1,
            num_classes=CLASSES,
            dropout_ratio=0,
            norm_cfg=None,
            loss_decode=loss,
            **dict(dict(out_size=SIZE), **settings),
        )
    )
    torch.nn.init.normal_(head.conv_seg.weight)
    return head


@pytest.fixture
def features():
    return [torch.randn(2, 8, 9, 12)]


@pytest.fixture
def samples():
    labels = torch.randint(0, CLASSES, (2, 1, *SIZE))
    labels[:, :, :20] = 255
    return [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]


def outcome(head, features, samples):
    features = [feature.clone().requires_grad_() for feature in features]
    losses = head.loss(features, samples, {})
    sum(value for name, value in losses.items() if name.startswith('loss')).sum().backward()
    gradients = dict(features=features[0].grad, **{name: value.grad for name, value in head.named_parameters()})
    return {name: value.detach() for name, value in losses.items()}, gradients


@pytest.mark.parametrize('ignore_index', [255, 3])
@pytest.mark.parametrize('loss', FUSED, ids=str)
def test_equals_the_plain_loss(loss, ignore_index, features, samples, monkeypatch):
    for sample in samples:
        sample.gt_sem_seg.data[sample.gt_sem_seg.data == 255] = ignore_index
    losses, gradients = outcome(build(loss, ignore_index=ignore_index), features, samples)
    monkeypatch.setattr(GlobalInterpHead, 'fused_loss', None)
    expected_losses, expected_gradients = outcome(build(loss, ignore_index=ignore_index), features, samples)
    assert losses.keys() == expected_losses.keys()
    for name, value in expected_losses.items():
        torch.testing.assert_close(losses[name].squeeze(), value.squeeze(), rtol=1e-5, atol=1e-6)
    for name, value in expected_gradients.items():
        scale = value.abs().max()
        assert scale > 0
        assert (gradients[name] - value).abs().max() <= 2e-5 * scale, name


@pytest.mark.parametrize(('loss', 'way'), [(FUSED[0], 'from coarse scores.'), (PLAIN[0], 'from full-size scores')])
def test_the_log_says_once_which_way_the_loss_takes(loss, way, features, samples, monkeypatch):
    lines, module = [], 'mmseg_gdn.models.decode_heads.global_interp_head'
    monkeypatch.setattr(f'{module}.print_log', lambda line, *_: lines.append(line))
    head = build(loss)
    for _ in range(2):
        outcome(head, features, samples)
    (line,) = lines
    assert line.startswith(f'GlobalInterpHead_FCNHead: training computes the loss {way}')


@pytest.mark.parametrize('loss', FUSED, ids=str)
def test_all_void(loss, features, monkeypatch):
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.full((1, *SIZE), 255))) for _ in range(2)]
    losses, gradients = outcome(build(loss), features, samples)
    assert all(value == 0 for value in losses.values())
    assert all((value == 0).all() for value in gradients.values())


def test_holds_no_full_size_scores(features, largest_tensor):
    size = (720, 960)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, CLASSES, (1, *size)))) for _ in range(2)]
    with largest_tensor() as largest:
        outcome(build(FUSED[1], out_size=size), features, samples)
    assert largest.numel == 2 * size[0] * size[1], 'nothing is larger than the labels'


@pytest.mark.parametrize('loss', PLAIN, ids=str)
def test_other_losses_get_full_size_scores(loss, features, samples):
    head = build(loss)
    assert head.fused_loss is None
    losses, gradients = outcome(head, features, samples)
    assert all(value.isfinite().all() for value in losses.values())
    assert gradients['interp.kernel_h'].abs().max() > 0


def test_a_sampler_gets_full_size_scores(features, samples):
    head = build(FUSED[0], sampler=dict(type='OHEMPixelSampler', thresh=0.7, min_kept=100))
    assert head.fused_loss is None
    losses, _ = outcome(head, features, samples)
    assert losses['loss_ce'].isfinite()


WEIGHTS = [0.5, 2.0, 1.0, 0.0, 3.0, 0.25, 1.0]


def test_class_weights_without_void_equal_mmsegs(features, samples, monkeypatch):
    for sample in samples:
        sample.gt_sem_seg.data.clamp_(max=CLASSES - 1)
    loss = dict(type='CrossEntropyLoss', class_weight=WEIGHTS)
    losses, gradients = outcome(build(loss), features, samples)
    monkeypatch.setattr(GlobalInterpHead, 'fused_loss', None)
    expected_losses, expected_gradients = outcome(build(loss), features, samples)
    torch.testing.assert_close(losses['loss_ce'], expected_losses['loss_ce'], rtol=1e-5, atol=1e-6)
    for name, value in expected_gradients.items():
        assert (gradients[name] - value).abs().max() <= 2e-5 * value.abs().max(), name


# mmseg's loss divides by the weights of all pixels, and fails on void ones; with avg_non_ignore, OneDL's always fails.
@pytest.mark.parametrize('avg_non_ignore', [False, True])
def test_class_weights_with_void_equal_pytorchs(features, samples, avg_non_ignore):
    head = build(dict(type='CrossEntropyLoss', class_weight=WEIGHTS, avg_non_ignore=avg_non_ignore))
    losses, _ = outcome(head, features, samples)
    labels = torch.stack([sample.gt_sem_seg.data[0] for sample in samples])
    assert (labels == 255).any()
    expected = torch.nn.functional.cross_entropy(
        head.interp(head(features)), labels, weight=torch.tensor(WEIGHTS), ignore_index=255
    )
    torch.testing.assert_close(losses['loss_ce'], expected.detach())


def test_a_byte_that_a_negative_ignore_index_would_wrap_to_counts_for_accuracy():
    scores = torch.zeros(1, 200, 1, 2)
    scores[0, 156, 0, 0] = 9
    labels = torch.tensor([[[156, 1]]], dtype=torch.uint8)
    fused = find_fused_loss(MODELS.build(dict(type='CrossEntropyLoss')))
    _, accuracy = fused(scores, torch.ones(1, 1), torch.eye(2), labels, -100)
    assert accuracy == 50
