"""Checks for the data sets of mmseg itself, which the configs for ADE20K and Cityscapes use."""

from types import SimpleNamespace

import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import DATASETS
from PIL import Image

from mmseg_gdn.datasets import CheckedVOCDataset, LoadCheckedAnnotations, LoadCheckedImage
from mmseg_gdn.datasets.checked_loading import check_loading, with_checked_loading
from mmseg_gdn.utils import InputError

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', reduce_zero_label=True)]
VALIDATE = [LOAD[0], dict(type='Resize', scale=(16, 16), keep_ratio=True), LOAD[1], dict(type='PackSegInputs')]


@pytest.fixture
def ade(tmp_path):
    """Two images of ADE20K, the second of which has a mask of half its size."""
    for folder in ('images', 'masks'):
        (tmp_path / folder).mkdir()
    for name, size in (('a', (24, 32)), ('b', (12, 16))):
        Image.new('RGB', (32, 24)).save(tmp_path / f'images/{name}.jpg')
        Image.fromarray(np.full(size, 150, np.uint8)).save(tmp_path / f'masks/{name}.png')
    return dict(
        type='ADE20KDataset', data_root=str(tmp_path), data_prefix=dict(img_path='images', seg_map_path='masks')
    )


def checked(name, dataset):
    """The data set that a runner would build for one of its loaders."""
    config = dict(batch_size=1, dataset=dataset)
    runner = SimpleNamespace(**{name: config})
    check_loading(runner)
    assert config['dataset'] is dataset, 'the config stays'
    return DATASETS.build(getattr(runner, name)['dataset'])


@pytest.mark.parametrize(
    ('name', 'pipeline'),
    [
        ('_train_dataloader', [*LOAD, dict(type='RandomFlip', prob=0.5), dict(type='PackSegInputs')]),
        ('_val_dataloader', VALIDATE),
        ('_test_dataloader', VALIDATE),
    ],
)
@pytest.mark.parametrize(
    'wrap',
    [
        lambda part: part,
        lambda part: dict(type='RepeatDataset', times=1, dataset=part),
        lambda part: dict(type='ConcatDataset', datasets=[part]),
    ],
)
def test_masks_of_another_size_than_their_image(ade, name, pipeline, wrap):
    dataset = checked(name, wrap(dict(ade, pipeline=pipeline)))
    assert len(dataset) == 2
    assert dataset.metainfo['classes'][149] == 'flag'
    assert dataset[0]['data_samples'].gt_sem_seg.data.unique().tolist() == [149]
    with pytest.raises(InputError, match=r'b\.png is 16x12 px, but its image .*b\.jpg is 32x24 px'):
        dataset[1]


def test_steps_in_the_pipeline_of_a_wrapper(ade):
    dataset = checked(
        '_train_dataloader',
        dict(
            type='MultiImageMixDataset',
            dataset=dict(type='ConcatDataset', datasets=[dict(ade, pipeline=LOAD[:1])]),
            pipeline=[LOAD[1], dict(type='PackSegInputs')],
        ),
    )
    with pytest.raises(InputError, match=r'b\.png is 16x12 px'):
        dataset[1]


def test_voc_keeps_its_own_checks(voc_root):
    voc = dict(
        type='CheckedVOCDataset',
        data_root=str(voc_root),
        ann_file='ImageSets/Segmentation/train.txt',
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
        pipeline=VALIDATE,
    )
    inner = checked('_val_dataloader', voc).dataset
    assert type(inner) is CheckedVOCDataset
    assert type(inner.pipeline.transforms[0]).__name__ == 'LoadVOCImage'


def test_only_loading_is_replaced():
    steps = with_checked_loading(
        [
            dict(type='LoadImageFromFile', to_float32=True),
            dict(type='LoadAnnotations', imdecode_backend='cv2'),
            dict(type='RandomChoice', transforms=[[dict(type='LoadAnnotations')], [dict(type='RandomFlip', prob=0.0)]]),
            dict(type=LoadCheckedImage),
            LoadCheckedAnnotations,
        ]
    )
    assert steps == [
        dict(type='LoadCheckedImage', to_float32=True),
        dict(type='LoadAnnotations', imdecode_backend='cv2'),
        dict(
            type='RandomChoice', transforms=[[dict(type='LoadCheckedAnnotations')], [dict(type='RandomFlip', prob=0.0)]]
        ),
        dict(type=LoadCheckedImage),
        LoadCheckedAnnotations,
    ]


def test_runners_without_configs_of_loaders():
    runner = SimpleNamespace(_train_dataloader=None, _val_dataloader=object())
    before = dict(vars(runner))
    check_loading(runner)
    assert vars(runner) == before


@pytest.mark.parametrize(
    'kinds', [('mmcv.LoadImageFromFile', 'mmseg.LoadAnnotations'), (LoadImageFromFile, LoadAnnotations)]
)
def test_types_with_a_scope_and_types_as_classes(kinds):
    image, mask = with_checked_loading([dict(type=kind) for kind in kinds])
    assert (image['type'], mask['type']) == ('LoadCheckedImage', 'LoadCheckedAnnotations')


def test_a_class_of_ones_own_stays():
    own = type('LoadAnnotations', (LoadAnnotations,), {})
    assert with_checked_loading([dict(type=own)]) == [dict(type=own)]
