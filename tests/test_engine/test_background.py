"""Multi-label heads and data without a background class."""

import pytest
from mmseg.registry import MODELS
from torch import nn

from mmseg_gdn.engine.background import check_background
from mmseg_gdn.utils import InputError

STREETS, VOC = dict(classes=('road', 'sidewalk', 'building')), dict(classes=('background', 'aeroplane', 'bicycle'))


def with_auxiliary_head(with_background):
    head = dict(type='MultiLabelHead', in_channels=4, num_classes=3, with_background=with_background)
    return nn.ModuleDict(dict(auxiliary_head=nn.ModuleList([MODELS.build(head)])))


def with_label_branch(with_background):
    head = dict(
        type='GlobalInterpHead',
        base_type='FCNHead',
        in_channels=4,
        channels=4,
        num_convs=1,
        num_classes=3,
        norm_cfg=None,
        in_size=(2, 2),
        out_size=(8, 8),
        label_branch=dict(hidden_channels=4, with_background=with_background),
    )
    return nn.ModuleDict(dict(decode_head=MODELS.build(head)))


@pytest.mark.parametrize(
    ('build', 'part'), [(with_auxiliary_head, r'auxiliary_head\.0'), (with_label_branch, r'decode_head\.label_branch')]
)
def test_a_first_class_that_is_not_background_needs_with_background(build, part):
    with pytest.raises(InputError, match=part + r" leaves out class 0 .* 'road'; set with_background=True in"):
        check_background(build(False), STREETS)
    check_background(build(True), STREETS)


@pytest.mark.parametrize('build', [with_auxiliary_head, with_label_branch])
@pytest.mark.parametrize('metainfo', [VOC, dict(classes=('_background_', 'lane')), {}, dict(classes=None)])
def test_background_may_be_left_out_and_unnamed_classes_are_not_judged(build, metainfo):
    check_background(build(False), metainfo)


def test_a_stock_head_has_nothing_to_set():
    head = dict(type='FCNHead', in_channels=4, channels=4, num_convs=1, num_classes=3, norm_cfg=None)
    check_background(nn.ModuleDict(dict(decode_head=MODELS.build(head))), STREETS)
