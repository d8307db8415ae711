"""Heads that this project has never seen: judged by what they make, not by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models import FCNHead
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

GDN = dict(
    type='GlobalInterpHead',
    in_size=(4, 6),
    out_size=(32, 48),
    in_channels=8,
    channels=4,
    num_convs=1,
    num_classes=5,
    norm_cfg=dict(type='BN'),
)


class NewHead(FCNHead):
    """Scores, the same at half the size, and a boundary map, with a loss for each."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.boundary = nn.Conv2d(self.channels, 1, 1)

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        feature = self._forward_feature(inputs)
        scores = self.cls_seg(feature)
        return scores, nn.functional.avg_pool2d(scores, 2), self.boundary(feature)

    def predict(self, inputs, batch_img_metas, test_cfg) -> Tensor:
        return self.predict_by_feat(self.forward(inputs)[0], batch_img_metas)

    def loss_by_feat(self, seg_logits: tuple[Tensor, Tensor, Tensor], batch_data_samples: list) -> dict:
        scores, smaller, boundary = seg_logits
        losses = super().loss_by_feat(scores, batch_data_samples)
        losses['loss_smaller'] = super().loss_by_feat(smaller, batch_data_samples)['loss_ce']
        losses['loss_boundary'] = boundary.square().mean()
        return losses


class WideMapHead(FCNHead):
    """One channel more than classes."""

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        scores = super().forward(inputs)
        return torch.cat([scores, scores[:, :1]], 1)


class OwnPathHead(FCNHead):
    """Makes its scores elsewhere than in forward, and keeps what its loss was given."""

    def predict(self, inputs, batch_img_metas, test_cfg) -> Tensor:
        return self.predict_by_feat(self.cls_seg(self._forward_feature(inputs)), batch_img_metas)

    def loss(self, inputs, batch_data_samples, train_cfg) -> dict:
        self.seen = self.forward(inputs)
        return self.summed(self.seen, batch_data_samples)

    def summed(self, seg_logits: Tensor, batch_data_samples: list) -> dict:
        losses = self.loss_by_feat(seg_logits, batch_data_samples)
        return losses | dict(loss_size=seg_logits.square().mean())


class OwnLossHead(FCNHead):
    """Resizes and compares by itself."""

    def loss(self, inputs, batch_data_samples, train_cfg) -> dict:
        labels = self._stack_batch_gt(batch_data_samples).squeeze(1)
        scores = nn.functional.interpolate(self.forward(inputs), labels.shape[1:], mode='bilinear')
        return dict(loss_ce=nn.functional.cross_entropy(scores, labels))


class OwnPredictHead(FCNHead):
    """Predicts coarse scores."""

    def predict(self, inputs, batch_img_metas, test_cfg) -> Tensor:
        return self.forward(inputs)


class PoliteHead(FCNHead):
    """Changes what its parent makes of the loss."""

    def loss(self, inputs, batch_data_samples, train_cfg) -> dict:
        losses = super().loss(inputs, batch_data_samples, train_cfg)
        return losses | dict(loss_twice=2 * losses['loss_ce'])


class LateHead(FCNHead):
    """Asks for more than a head is given."""

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: list, depth: Tensor) -> dict:
        return {}


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    heads = (NewHead, WideMapHead, OwnPathHead, OwnLossHead, OwnPredictHead, PoliteHead, LateHead)
    for head in heads:
        MODELS.register_module(module=head)
    yield
    for head in heads:
        MODELS.module_dict.pop(head.__name__)


@pytest.fixture
def features():
    return (torch.randn(2, 8, 4, 6),)


def samples():
    return [SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 5, (1, 32, 48)))) for _ in range(2)]


def test_works_with_all_its_losses(features):
    head = MODELS.build(dict(GDN, base_type='NewHead'))
    losses = head.loss(features, samples(), {})
    assert {'loss_ce', 'loss_smaller', 'loss_boundary'} <= set(losses)
    losses['loss_ce'].backward()
    assert head.interp.kernel_h.grad.abs().sum() > 0
    assert head.predict(features, [dict(img_shape=(32, 48))] * 2, {}).shape == (2, 5, 32, 48)


def test_forward_gives_what_the_head_makes(features):
    scores, smaller, boundary = MODELS.build(dict(GDN, base_type='NewHead'))(features)
    assert scores.shape == (2, 5, 4, 6)
    assert smaller.shape == (2, 5, 2, 3)
    assert boundary.shape == (2, 1, 4, 6)


def test_a_forward_without_a_score_map_is_refused(features):
    head = MODELS.build(dict(GDN, base_type='WideMapHead'))
    with pytest.raises(ValueError, match='GlobalInterpHead_WideMapHead returns no score map with 5 channels'):
        head.loss(features, samples(), {})
    with pytest.raises(ValueError, match='GlobalInterpHead_WideMapHead returns no score map with 5 channels'):
        head.predict(features, [dict(img_shape=(32, 48))] * 2, {})


def test_scores_made_outside_forward_are_brought_to_full_size(features):
    head = MODELS.build(dict(GDN, base_type='OwnPathHead')).eval()
    with torch.no_grad():
        head.interp.kernel_h.mul_(2)
        scores = head.predict(features, [dict(img_shape=(32, 48))] * 2, {})
        torch.testing.assert_close(scores, head.interp(head(features)))


@pytest.mark.parametrize(
    'losses',
    [
        dict(type='CrossEntropyLoss'),
        [dict(type='CrossEntropyLoss'), dict(type='DiceLoss')],
        dict(type='CrossEntropyLoss', use_sigmoid=True),
    ],
    ids=['fused', 'two', 'sigmoid'],
)
def test_what_an_own_loss_sees_does_not_depend_on_the_losses_configured(features, losses):
    head = MODELS.build(dict(GDN, base_type='OwnPathHead', loss_decode=losses, dropout_ratio=0))
    found = head.loss(features, samples(), {})
    assert head.seen.shape == (2, 5, 4, 6)
    torch.testing.assert_close(found['loss_size'], head.seen.square().mean())


def test_super_reaches_the_losses(features):
    head = MODELS.build(dict(GDN, base_type='PoliteHead'))
    losses = head.loss(features, samples(), {})
    torch.testing.assert_close(losses['loss_twice'], 2 * losses['loss_ce'])


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('LateHead', "has a loss_by_feat that needs 'depth'"),
        ('OwnLossHead', 'has a loss that never calls loss_by_feat, where scores are upsampled'),
        ('OwnPredictHead', 'has a predict that never calls predict_by_feat, where scores are upsampled'),
    ],
)
def test_an_interface_of_another_kind_is_refused_when_built(name, message):
    with pytest.raises(ValueError, match=f"^base_type='{name}' {message}"):
        MODELS.build(dict(GDN, base_type=name))
