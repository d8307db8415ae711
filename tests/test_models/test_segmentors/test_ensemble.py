"""The average of several models, each with its own config, pipeline and sizes."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

SIZE = (70, 101)
BACKBONE = dict(type='ResNetV1c', depth=18, base_channels=4, stem_channels=4, norm_cfg=dict(type='BN'))
HEAD = dict(in_index=3, in_channels=32, channels=8, num_convs=1, num_classes=21)
# Scores of an image at half its size and at 32 px, matrices that are sliced, and other means.
MEMBERS = {
    'stock': dict(
        type='EncoderDecoder',
        head=dict(HEAD, type='FCNHead'),
        mean=[120.0] * 3,
        sizes=[dict(type='Resize', scale_factor=0.5)],
    ),
    'gdn': dict(
        type='GlobalInterpEncoderDecoder',
        mean=[90.0, 100.0, 110.0],
        sizes=[],
        head=dict(
            HEAD, type='GlobalInterpHead', base_type='FCNHead', in_size=(4, 4), out_size=(128, 128), size_policy='slice'
        ),
    ),
    'caffe': dict(
        type='CaffeEncoderDecoder',
        head=dict(HEAD, type='FCNHead'),
        mean=[0.0] * 3,
        sizes=[dict(type='ClampSize', max_size=32)],
    ),
}


@pytest.fixture(scope='module')
def write(tmp_path_factory):
    """Write a config and a checkpoint; gives the ``model.members`` entry."""
    init_default_scope('mmseg')
    folder = tmp_path_factory.mktemp('members')

    def write(name, kind='stock', head={}, dataset={}, **settings):  # noqa: B006
        spec = MEMBERS[kind]
        pipeline = [
            dict(type='LoadImageFromFile'),
            *spec['sizes'],
            dict(type='LoadAnnotations'),
            dict(type='PackSegInputs'),
        ]
        config = Config(
            dict(
                default_scope='mmseg',
                test_pipeline=pipeline,
                test_dataloader=dict(dataset=dict(type='CheckedVOCDataset', pipeline=pipeline, **dataset)),
                model=dict(
                    type=spec['type'],
                    backbone=BACKBONE,
                    decode_head=dict(spec['head'], **head),
                    data_preprocessor=dict(type='SegDataPreProcessor', mean=spec['mean'], std=[60.0] * 3),
                    test_cfg=dict(mode='whole'),
                ),
            )
            | settings
        )
        config.dump(folder / f'{name}.py')
        torch.manual_seed(len(name))
        model = MODELS.build(config.model)
        torch.nn.init.normal_(model.decode_head.conv_seg.weight, std=5)
        torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta={})), folder / f'{name}.pth')
        return dict(config=str(folder / f'{name}.py'), checkpoint=str(folder / f'{name}.pth'))

    return write


@pytest.fixture(scope='module')
def members(write):
    return {kind: write(kind, kind) for kind in MEMBERS}


@pytest.fixture(scope='module')
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp('photo') / 'a.jpg'
    patches = np.random.default_rng(0).integers(0, 255, (2, 3, 3), dtype=np.uint8)
    Image.fromarray(patches).resize(SIZE[::-1], Image.NEAREST).save(path)
    return str(path)


def build(*members):
    return MODELS.build(dict(type='Ensemble', members=list(members))).eval()


def predict(ensemble, photo, **metainfo):
    sample = SegDataSample(metainfo=dict(img_path=photo, **metainfo))
    return ensemble.test_step(dict(data_samples=[sample]))[0]


def probabilities_by_mmseg(member, photo):
    """What mmseg's own functions predict, with scores brought to the size of the image before the softmax."""
    result = inference_model(init_model(member['config'], member['checkpoint'], 'cpu'), photo)
    return F.interpolate(result.seg_logits.data[None], SIZE, mode='bilinear').softmax(1)[0]


def test_averages_what_mmseg_predicts_for_each_member(members, photo):
    result = predict(build(*members.values()), photo)
    expected = sum(probabilities_by_mmseg(member, photo) for member in members.values()) / 3
    torch.testing.assert_close(result.seg_logits.data.softmax(0), expected)
    assert torch.equal(result.pred_sem_seg.data[0], result.seg_logits.data.argmax(0))
    assert result.pred_sem_seg.data.unique().numel() > 1
    assert result.ori_shape == SIZE


def test_weights_are_divided_by_their_sum(members, photo):
    first, second = members['stock'], members['gdn']
    result = predict(build(dict(first, weight=3), second), photo)
    expected = 0.75 * probabilities_by_mmseg(first, photo) + 0.25 * probabilities_by_mmseg(second, photo)
    torch.testing.assert_close(result.seg_logits.data.softmax(0), expected)


def test_probabilities_of_zero_have_a_logarithm(members, photo):
    ensemble = build(members['stock'])
    torch.nn.init.normal_(ensemble.members[0].model.decode_head.conv_seg.weight, std=1e4)
    scores = predict(ensemble, photo).seg_logits.data
    assert scores.softmax(0).min() < 1e-30
    assert scores.isfinite().all()


def test_masks_and_other_fields_stay(members, photo):
    mask = PixelData(data=torch.zeros(1, *SIZE, dtype=torch.long))
    sample = SegDataSample(metainfo=dict(img_path=photo, seg_map_path='a.png'), gt_sem_seg=mask)
    image = torch.zeros(3, *SIZE)
    (result,) = build(members['stock']).test_step(dict(inputs=[image], data_samples=[sample]))
    assert torch.equal(result.gt_sem_seg.data, mask.data)
    assert result.seg_map_path == 'a.png'


class PeakMemory(TorchDispatchMode):
    """Notes the largest number of bytes that is in use at one time beside the weights."""

    def __init__(self, model):
        super().__init__()
        self.alive = {weights.untyped_storage()._cdata: 0 for weights in model.state_dict().values()}
        self.peak = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                storage = leaf.untyped_storage()
                if storage._cdata not in self.alive:
                    self.alive[storage._cdata] = storage.nbytes()
                    weakref.finalize(storage, self.alive.pop, storage._cdata, None)
        self.peak = max(self.peak, sum(self.alive.values()))
        return result


def peak(ensemble, photo):
    with PeakMemory(ensemble) as memory:
        predict(ensemble, photo)
    return memory.peak


def test_memory_holds_one_member_and_one_score_map_at_a_time(members, photo):
    single = peak(build(members['gdn']), photo)
    score_map = 21 * SIZE[0] * SIZE[1] * 4
    assert single > score_map
    assert single < peak(build(*[members['gdn']] * 4), photo) <= single + score_map


class TestRefusals:
    @pytest.mark.parametrize(
        ('entries', 'message'),
        [
            ([], 'needs members'),
            ([dict(config='a.py')], r'model\.members\[0\] has config\.'),
            ([None], r'model\.members\[0\] has none of them'),
            ([dict(config=None, checkpoint='a.pth')], r'model\.members\[0\] are paths, but got None'),
            (
                [dict(config='a.py', checkpoint='a.pth', wieght=2)],
                r'model\.members\[0\] has checkpoint, config, wieght',
            ),
            ([dict(config='a.py', checkpoint='a.pth', weight=0)], r'must be positive numbers, but got \[0\]'),
            ([dict(config='a.py', checkpoint='a.pth', weight='2')], r"must be positive numbers, but got \['2'\]"),
            (
                [dict(config='configs/gdn/ensemble_voc12.py', checkpoint='a.pth')],
                'is an Ensemble itself; list its members',
            ),
            ([dict(config='no.py', checkpoint='a.pth')], r'There is no config no\.py'),
        ],
    )
    def test_incomplete_members(self, entries, message):
        with pytest.raises(ValueError, match=message):
            build(*entries)

    def test_a_missing_checkpoint(self, members):
        with pytest.raises(ValueError, match=r'There is no checkpoint no\.pth'):
            build(dict(members['stock'], checkpoint='no.pth'))

    def test_a_checkpoint_of_another_architecture(self, members, write):
        wider = write('wider', head=dict(channels=16))
        with pytest.raises(ValueError, match=r'stock\.py, a member of the Ensemble: .*wider\.pth does not fit'):
            build(dict(members['stock'], checkpoint=wider['checkpoint']))

    def test_other_numbers_of_classes(self, members, write):
        fewer = write('fewer', head=dict(num_classes=19))
        with pytest.raises(ValueError, match=r'stock\.py has 21 and .*fewer\.py has 19 classes'):
            build(members['stock'], fewer)

    def test_other_names_of_classes(self, members, write):
        names = MODELS.build(dict(type='Ensemble', members=[members['stock']])).members[0].classes
        swapped = write('swapped', dataset=dict(metainfo=dict(classes=(*names[:19], names[20], names[19]))))
        with pytest.raises(ValueError, match=r"class 19 is 'train' in .*stock\.py and 'tvmonitor' in .*swapped\.py"):
            build(members['stock'], swapped)

    def test_a_binary_member(self, write):
        binary = write('binary', head=dict(num_classes=2, out_channels=1))
        with pytest.raises(ValueError, match=r'binary\.py has a single score for two classes'):
            build(binary)

    def test_a_config_without_test_set(self, write):
        with pytest.raises(ValueError, match=r'untested\.py has no test_dataloader'):
            build(write('untested', test_dataloader=None))

    def test_training(self, members):
        with pytest.raises(ValueError, match='can only predict'):
            build(members['stock'])(mode='loss')

    def test_images_that_are_in_no_file(self, members):
        with pytest.raises(ValueError, match='reads images from files'):
            predict(build(members['stock']), None)
