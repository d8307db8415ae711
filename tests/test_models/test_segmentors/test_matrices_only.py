"""Training of the matrices alone, with and without coarse scores on disk."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.utils.flop_counter import FlopCounterMode

from mmseg_gdn.utils import InputError

MATRICES = ['decode_head.interp']
SIZE = (64, 96)
AUXILIARY = dict(type='MultiLabelHead', in_channels=32, in_index=3, loss_decode=dict(type='MultiLabelAuxLoss'))


def build(branch=None, **settings):
    torch.manual_seed(0)
    model = MODELS.build(
        ConfigDict(
            type='GlobalInterpEncoderDecoder',
            data_preprocessor=dict(type='SegDataPreProcessor'),
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
                base_type='FCNHead',
                in_channels=32,
                channels=8,
                num_convs=1,
                in_index=3,
                num_classes=5,
                norm_cfg=dict(type='BN'),
                in_size=(4, 6),
                out_size=SIZE,
                dropout_ratio=0.5,
                label_branch=branch,
            ),
            train_cfg={},
            test_cfg=dict(mode='whole'),
            **settings,
        )
    )
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    return model.train()


@pytest.fixture
def images():
    return torch.randn(3, 3, *SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def samples():
    labels = torch.randint(0, 5, (3, 1, *SIZE), generator=torch.Generator().manual_seed(1))
    return [
        SegDataSample(metainfo=dict(img_path=f'{index}.jpg', img_shape=SIZE), gt_sem_seg=PixelData(data=label))
        for index, label in enumerate(labels)
    ]


def train(model, images, samples, steps=4):
    optimizer = torch.optim.SGD(
        [value for value in model.parameters() if value.requires_grad], lr=1.0, weight_decay=0.1
    )
    losses = []
    for _ in range(steps):
        loss = sum(value for name, value in model.loss(images, samples).items() if 'loss' in name)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_nothing_but_the_matrices_changes(images, samples):
    model = build(train_only=MATRICES)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    losses = train(model, images, samples)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {'decode_head.interp.kernel_h', 'decode_head.interp.kernel_w'}
    assert losses[-1] < losses[0]


def test_no_gradients_of_the_trunk_are_computed(images, samples):
    def flops_of_convolutions(**settings):
        model = build(**settings)
        with FlopCounterMode(display=False) as counter:
            train(model, images, samples, steps=1)
        return sum(
            count for operator, count in counter.get_flop_counts()['Global'].items() if 'convolution' in str(operator)
        ), counter.get_flop_counts()['Global']

    forward, operators = flops_of_convolutions(train_only=MATRICES)
    assert not any('convolution_backward' in str(operator) for operator in operators)
    assert flops_of_convolutions()[0] > 2 * forward


def test_scores_on_disk_change_nothing(tmp_path, images, samples):
    plain, kept = build(train_only=MATRICES), build(train_only=MATRICES, cache_scores=str(tmp_path))
    assert train(kept, images, samples) == pytest.approx(train(plain, images, samples), rel=1e-6)
    torch.testing.assert_close(kept.decode_head.interp.kernel_h, plain.decode_head.interp.kernel_h)
    assert len(list(tmp_path.rglob('*.npy'))) == 3


def test_the_network_runs_once_per_image(tmp_path, images, samples):
    model = build(train_only=MATRICES, cache_scores=str(tmp_path))
    calls = []
    model.backbone.register_forward_hook(lambda *args: calls.append(len(args[1][0])))
    train(model, images, samples)
    assert calls == [3]


def test_the_label_branch_may_be_trained_with_the_matrices(tmp_path, images, samples):
    branch = dict(pool='avg', loss_decode=dict(type='MultiLabelAuxLoss'))
    model = build(branch, train_only=[*MATRICES, 'decode_head.label_branch'], cache_scores=str(tmp_path))
    assert {'decode.loss_ce', 'decode.loss_mlc'} <= model.loss(images, samples).keys()


def test_validation_computes_scores(tmp_path, images, samples):
    model = build(train_only=MATRICES, cache_scores=str(tmp_path)).eval()
    results = model.predict(
        images, [SegDataSample(metainfo=dict(sample.metainfo, ori_shape=SIZE, pad_shape=SIZE)) for sample in samples]
    )
    assert results[0].pred_sem_seg.shape == SIZE
    assert not list(tmp_path.rglob('*.npy'))


def test_scores_of_a_trained_network_are_not_kept(tmp_path):
    with pytest.raises(InputError, match=r"backbone\.\S+ is trained .* train_only=\['decode_head\.interp'\]"):
        build(cache_scores=str(tmp_path))


def test_auxiliary_heads_that_are_trained_need_features(tmp_path):
    with pytest.raises(InputError, match='auxiliary_head=None'):
        build(auxiliary_head=AUXILIARY, train_only=[*MATRICES, 'auxiliary_head'], cache_scores=str(tmp_path))


def test_frozen_auxiliary_heads_are_no_obstacle(tmp_path, images, samples):
    model = build(auxiliary_head=AUXILIARY, train_only=MATRICES, cache_scores=str(tmp_path))
    assert model.loss(images, samples).keys() == {'decode.loss_ce', 'decode.acc_seg'}
