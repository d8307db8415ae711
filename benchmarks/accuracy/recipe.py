"""From an experiment to mmengine configs, written as a user of the project would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from experiments import Experiment

CAMVID_CLASSES = ('sky', 'building', 'pole', 'road', 'sidewalk', 'tree', 'sign', 'fence', 'car', 'pedestrian',
                  'bicyclist')
DATA = {
    'camvid': dict(size=(240, 320), num_classes=11, ignore_index=11),
    'voc': dict(size=(320, 320), num_classes=21, ignore_index=255),
}
OPTIMIZERS = {
    'sgd': dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=5e-4),
    'adamw': dict(type='AdamW', lr=6e-4, weight_decay=0.01),
}
_FEATURES = {16: dict(in_channels=96, in_index=2), 32: dict(in_channels=320, in_index=3)}
_AUGMENTATION = [dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion')]


def dataset(data: str, folder: Path, split: str, augmentation: list[dict] | None = None) -> dict[str, Any]:
    """Config of a data set whose images, with their masks, are scaled to fit the size trained on.

    Args:
        data: Name of the data set.
        folder: Where it lies.
        split: ``'train'`` or ``'val'``; VOC trains on trainaug.
        augmentation: Transforms after the scaling.

    Returns:
        Config for mmseg's registry of data sets.
    """
    height, width = DATA[data]['size']
    pipeline = [
        dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'),
        dict(type='Resize', scale=(width, height), keep_ratio=True), *(augmentation or []), dict(type='PackSegInputs')
    ]
    if data == 'camvid':
        return dict(
            type='BaseSegDataset', data_root=str(folder), img_suffix='.jpg', seg_map_suffix='.png',
            data_prefix=dict(img_path=split, seg_map_path=f'{split}annot'), metainfo=dict(classes=CAMVID_CLASSES),
            ignore_index=DATA[data]['ignore_index'], pipeline=pipeline)
    parts = [
        dict(type='PascalVOCDataset', data_root=str(folder), ann_file=f'ImageSets/Segmentation/{ids}.txt',
             data_prefix=dict(img_path='JPEGImages', seg_map_path=masks), pipeline=pipeline)
        for ids, masks in _voc_parts(split)
    ]
    return dict(type='ConcatDataset', datasets=parts)


def _voc_parts(split: str) -> list[tuple[str, str]]:
    if split == 'val':
        return [('val', 'SegmentationClass')]
    return [('train', 'SegmentationClass'), ('aug', 'SegmentationClassAug')]


def model(experiment: Experiment, weights: Path) -> dict[str, Any]:
    """Config of the segmentor: MobileNetV2 and an FCN head of one 3x3 convolution with 256 channels.

    Args:
        experiment: What is trained.
        weights: ImageNet weights of the trunk.

    Returns:
        Config for mmseg's registry of models.
    """
    data = DATA[experiment.data]
    norm_cfg = dict(type='BN', requires_grad=True)
    return dict(
        type='EncoderDecoder',
        data_preprocessor=dict(
            type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True, size=data['size'], pad_val=0, seg_pad_val=data['ignore_index']),
        backbone=dict(
            type='MobileNetV2', widen_factor=1., strides=(1, 2, 2, 2, 1, 2, 1), dilations=(1, ) * 7,
            out_indices=(1, 2, 4, 6), norm_cfg=norm_cfg,
            init_cfg=dict(type='Pretrained', checkpoint=str(weights))),
        decode_head=dict(
            **_head_type(experiment), **_FEATURES[experiment.stride], channels=256, num_convs=1, concat_input=False,
            dropout_ratio=0.1, num_classes=data['num_classes'], norm_cfg=norm_cfg, align_corners=False,
            ignore_index=data['ignore_index'], loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
        train_cfg=dict(), test_cfg=dict(mode='whole'))


def _head_type(experiment: Experiment) -> dict[str, Any]:
    if experiment.upsampling == 'bilinear':
        return dict(type='FCNHead')
    size = DATA[experiment.data]['size']
    return dict(type='GlobalInterpHead', base_type='FCNHead', out_size=size,
                in_size=tuple(-(-side // experiment.stride) for side in size))


def optim_wrapper(experiment: Experiment) -> dict[str, Any]:
    """Config of the optimizer, with the matrices' own factors."""
    wrapper = dict(type='OptimWrapper', optimizer=OPTIMIZERS[experiment.optimizer])
    if experiment.upsampling == 'gdn':
        factors = dict(lr_mult=experiment.lr_mult, decay_mult=experiment.decay_mult)
        wrapper['paramwise_cfg'] = dict(custom_keys={'interp.kernel': factors})
    return wrapper


def param_scheduler(experiment: Experiment) -> list[dict]:
    """Config of the learning rate over the iterations."""
    return [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=experiment.iterations, by_epoch=False)]


def whole_training(experiment: Experiment, folder: Path, weights: Path, work_dir: Path) -> dict[str, Any]:
    """Config of mmengine's ``Runner`` for training the whole network.

    Args:
        experiment: What is trained.
        folder: Where the data set lies.
        weights: ImageNet weights of the trunk.
        work_dir: Where logs go.

    Returns:
        The config.
    """
    return dict(
        model=model(experiment, weights), work_dir=str(work_dir), default_scope='mmseg',
        randomness=dict(seed=experiment.seed), optim_wrapper=optim_wrapper(experiment),
        param_scheduler=param_scheduler(experiment),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=experiment.iterations),
        train_dataloader=dict(
            batch_size=experiment.batch, num_workers=0, sampler=dict(type='InfiniteSampler', shuffle=True),
            dataset=dataset(experiment.data, folder, 'train', _AUGMENTATION)),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=50),
            checkpoint=dict(type='CheckpointHook', interval=experiment.iterations, by_epoch=False,
                            save_optimizer=False)))
