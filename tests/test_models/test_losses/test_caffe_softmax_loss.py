"""Caffe's softmax loss: its divisors, its floor and its gradient."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.autograd import gradcheck

from mmseg_gdn.models import CaffeSoftmaxLoss

LABEL = torch.tensor([[[0, 1, 255], [2, 0, 255]], [[1, 1, 1], [255, 255, 255]]])
DIVISORS = dict(full=12, valid=7, batch_size=2, none=1)
FLOOR = -math.log(torch.finfo(torch.float32).tiny)


def scores(**kwargs):
    return torch.randn(2, 3, 2, 3, **kwargs)


class TestDivisor:
    @pytest.mark.parametrize(('normalization', 'divisor'), DIVISORS.items())
    def test_each_normalization(self, normalization, divisor):
        x = scores()
        total = F.cross_entropy(x, LABEL, reduction='sum', ignore_index=255)
        torch.testing.assert_close(CaffeSoftmaxLoss(normalization)(x, LABEL), total / divisor)

    @pytest.mark.parametrize(
        ('arguments', 'normalization'),
        [
            (dict(), 'valid'),
            (dict(normalize=True), 'valid'),
            (dict(normalize=False), 'batch_size'),
            (dict(normalization='none', normalize=False), 'none'),
            (dict(normalization='batch_size', normalize=True), 'batch_size'),
        ],
    )
    def test_the_older_field_counts_only_alone(self, arguments, normalization):
        assert CaffeSoftmaxLoss(**arguments).normalization == normalization

    @pytest.mark.parametrize('normalization', DIVISORS)
    def test_void_images_give_nothing(self, normalization):
        x = scores(requires_grad=True)
        loss = CaffeSoftmaxLoss(normalization)(x, torch.full_like(LABEL, 255))
        loss.backward()
        assert loss == 0
        assert torch.equal(x.grad, torch.zeros_like(x))

    def test_another_void_label(self):
        x = scores()
        label = LABEL.where(LABEL != 255, 2)
        total = F.cross_entropy(x, label, reduction='sum', ignore_index=2)
        torch.testing.assert_close(CaffeSoftmaxLoss()(x, label, ignore_index=2), total / (label != 2).sum())

    def test_unknown(self):
        with pytest.raises(ValueError, match="'full', 'valid', 'batch_size', 'none', but got 'VALID'"):
            CaffeSoftmaxLoss('VALID')


class TestFloor:
    @pytest.mark.parametrize(
        ('gap', 'expected'), [(80.0, 80.0), (87.3, 87.3), (88.0, FLOOR), (1e4, FLOOR), (1e30, FLOOR)]
    )
    def test_value(self, gap, expected):
        x = torch.tensor([0.0, -gap]).view(1, 2, 1, 1)
        assert CaffeSoftmaxLoss()(x, torch.ones(1, 1, 1, dtype=torch.long)).item() == pytest.approx(expected, rel=1e-6)

    def test_gradient_knows_nothing_of_it(self):
        x = torch.tensor([0.0, -200.0]).view(1, 2, 1, 1).requires_grad_()
        CaffeSoftmaxLoss()(x, torch.ones(1, 1, 1, dtype=torch.long)).backward()
        torch.testing.assert_close(x.grad.flatten(), torch.tensor([1.0, -1.0]))


class TestGradient:
    @settings(deadline=None, max_examples=50)
    @given(st.sampled_from(list(DIVISORS)), st.floats(1e-3, 300), st.integers(0, 2**31))
    def test_is_softmax_minus_one_hot(self, normalization, spread, seed):
        generator = torch.Generator().manual_seed(seed)
        x = (torch.randn(2, 3, 2, 3, generator=generator) * spread).requires_grad_()
        CaffeSoftmaxLoss(normalization, loss_weight=0.5)(x, LABEL).backward()
        valid = (LABEL != 255).unsqueeze(1)
        one_hot = F.one_hot(LABEL.where(LABEL != 255, 0), 3).permute(0, 3, 1, 2)
        expected = (x.detach().softmax(1) - one_hot) * valid * 0.5 / DIVISORS[normalization]
        torch.testing.assert_close(x.grad, expected, rtol=1e-5, atol=1e-7)

    @pytest.mark.parametrize('normalization', DIVISORS)
    def test_gradcheck(self, normalization):
        x = scores(dtype=torch.float64, requires_grad=True)
        assert gradcheck(lambda x: CaffeSoftmaxLoss(normalization)(x, LABEL), x)


class TestForward:
    def test_weight_name_and_pixel_weights(self):
        x, weight = scores(), torch.rand(2, 2, 3)
        loss = CaffeSoftmaxLoss('none', loss_weight=0.25, loss_name='loss_caffe')
        assert loss.loss_name == 'loss_caffe'
        pixels = F.cross_entropy(x, LABEL, reduction='none', ignore_index=255)
        torch.testing.assert_close(loss(x, LABEL, weight=weight), 0.25 * (pixels * weight).sum())

    @pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
    def test_half_precision_is_computed_in_full(self, dtype):
        x = (scores() * 20).to(dtype)
        loss = CaffeSoftmaxLoss('none')
        with torch.autocast('cpu', torch.bfloat16):
            value = loss(x, LABEL)
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, loss(x.float(), LABEL))

    @pytest.mark.parametrize('label', [LABEL[:1], LABEL[:, :1], LABEL.unsqueeze(1)])
    def test_shapes_that_do_not_fit(self, label):
        with pytest.raises(ValueError, match=r'scores \(N, C, H, W\) and labels \(N, H, W\)'):
            CaffeSoftmaxLoss()(scores(), label)

    def test_as_the_loss_of_a_stock_head(self):
        loss_decode = [
            dict(type='CaffeSoftmaxLoss', normalize=False),
            dict(type='CaffeSoftmaxLoss', loss_name='loss_mean'),
        ]
        head = MODELS.build(
            dict(
                type='FCNHead',
                in_channels=4,
                channels=4,
                num_classes=3,
                num_convs=0,
                concat_input=False,
                loss_decode=loss_decode,
            )
        )
        x = scores()
        samples = [SegDataSample(gt_sem_seg=PixelData(data=label[None])) for label in LABEL]
        losses = head.loss_by_feat(x, samples)
        torch.testing.assert_close(losses['loss_ce'], CaffeSoftmaxLoss('batch_size')(x, LABEL))
        torch.testing.assert_close(losses['loss_mean'], CaffeSoftmaxLoss('valid')(x, LABEL))


def test_a_byte_that_a_negative_ignore_index_would_wrap_to_is_a_class():
    scores = torch.zeros(1, 200, 1, 2)
    scores[0, 156, 0, 0] = 9
    label = torch.tensor([[[156, 1]]])
    loss = CaffeSoftmaxLoss()
    torch.testing.assert_close(loss(scores, label.byte(), ignore_index=-100), loss(scores, label, ignore_index=-100))
