"""From an experiment to mmengine configs, written as a user of the project would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deconvolution_head import DeconvolutionHead  # noqa: F401  (registered)
from experiment import Experiment

from mmseg_gdn.datasets import CamVidDataset

DATA = {
    'camvid': dict(size=(240, 320), crop=(192, 256), num_classes=11, ignore_index=11, with_background=True),
    'voc': dict(size=(320, 320), crop=(256, 256), num_classes=21, ignore_index=255, with_background=False),
}
OPTIMIZERS = {
    'sgd': dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=5e-4),
    'adamw': dict(type='AdamW', lr=6e-4, weight_decay=0.01),
    'adam': dict(type='Adam', lr=0.003, weight_decay=0.0),  # as in tools/fit_kernels.py
    'caffe': dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=5e-4),  # LargeFOV's
    # For LargeFOV's new fc6 and fc7, which Caffe's rate hardly moves in 300 iterations.
    'adam-fc': dict(type='Adam', lr=0.001, weight_decay=0.0),
}
NETWORKS = {
    'mobilenetv2': dict(in_channels=320, in_index=3),
    'mobilenetv2-cut': dict(in_channels=96, in_index=2),
    'largefov': dict(in_channels=512),
}
_FC_CHANNELS = 256
_AUGMENTATION = [dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion')]
_LABEL_WEIGHT = 0.5


def dataset(
    data: str, folder: Path, split: str, augmentation: list[dict] | None = None, scale: float = 1.0
) -> dict[str, Any]:
    """Config of a data set whose images, with their masks, are scaled to fit the size trained on.

    Args:
        data: Name of the data set.
        folder: Where it lies.
        split: ``'train'`` or ``'val'``; VOC trains on trainaug.
        augmentation: Transforms after the scaling.
        scale: Factor on the size.

    Returns:
        Config for mmseg's registry of data sets.
    """
    height, width = (round(scale * side) for side in DATA[data]['size'])
    pipeline = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations'),
        dict(type='Resize', scale=(width, height), keep_ratio=True),
        *(augmentation or []),
        dict(type='PackSegInputs'),
    ]
    if data == 'camvid':
        return dict(
            type='BaseSegDataset',
            data_root=str(folder),
            img_suffix='.jpg',
            seg_map_suffix='.png',
            data_prefix=dict(img_path=split, seg_map_path=f'{split}annot'),
            metainfo=dict(classes=CamVidDataset.METAINFO['classes']),
            ignore_index=DATA[data]['ignore_index'],
            pipeline=pipeline,
        )
    parts = [
        dict(
            type='PascalVOCDataset',
            data_root=str(folder),
            ann_file=f'ImageSets/Segmentation/{ids}.txt',
            data_prefix=dict(img_path='JPEGImages', seg_map_path=masks),
            pipeline=pipeline,
        )
        for ids, masks in _voc_parts(split)
    ]
    return parts[0] if len(parts) == 1 else dict(type='ConcatDataset', datasets=parts)


def _voc_parts(split: str) -> list[tuple[str, str]]:
    if split == 'val':
        return [('val', 'SegmentationClass')]
    return [('train', 'SegmentationClass'), ('aug', 'SegmentationClassAug')]


def model(experiment: Experiment, weights: Path) -> dict[str, Any]:
    """Config of the segmentor.

    MobileNetV2 with an FCN head of one 3x3 convolution with 256 channels, or DeepLab-LargeFOV with fc6 and fc7 of 256.

    Args:
        experiment: What is trained.
        weights: ImageNet weights of the trunk.

    Returns:
        Config for mmseg's registry of models.
    """
    data = DATA[experiment.data]
    trunk = _vgg(weights) if experiment.network == 'largefov' else _mobilenet(experiment, weights)
    preprocessor = dict(
        type='SegDataPreProcessor',
        pad_val=0,
        seg_pad_val=data['ignore_index'],
        test_cfg=dict(size=full_size(experiment)),
    )
    return dict(
        type='EncoderDecoder',
        data_preprocessor=dict(preprocessor, size=full_size(experiment), **trunk.pop('preprocessor')),
        backbone=trunk,
        decode_head=_head(experiment),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'),
    )


def full_size(experiment: Experiment) -> tuple[int, int]:
    """Height and width of the images trained on, in pixels."""
    return DATA[experiment.data]['size' if experiment.views == 'whole' else 'crop']


def coarse_size(experiment: Experiment) -> tuple[int, int]:
    """Height and width of their score maps, in cells."""
    cells = [-(-side // experiment.stride) for side in full_size(experiment)]
    # Caffe's pooling of VGG-16 gives 41 cells for 320 px.
    return tuple(side + 1 for side in cells) if experiment.network == 'largefov' else tuple(cells)


def _mobilenet(experiment: Experiment, weights: Path) -> dict[str, Any]:
    is_dilated = experiment.stride == 16 and experiment.network == 'mobilenetv2'
    return dict(
        type='MobileNetV2',
        widen_factor=1.0,
        strides=(1, 2, 2, 2, 1, 1 if is_dilated else 2, 1),
        dilations=(1, 1, 1, 1, 1, 2, 2) if is_dilated else (1,) * 7,
        out_indices=(1, 2, 4, 6),
        norm_cfg=dict(type='BN', requires_grad=True),
        init_cfg=dict(type='Pretrained', checkpoint=str(weights)),
        preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    )


def _vgg(weights: Path) -> dict[str, Any]:
    return dict(
        type='CaffeVGG',
        layout='largefov',
        init_cfg=dict(type='Pretrained', checkpoint=str(weights), prefix='backbone.'),
        preprocessor=dict(mean=[103.939, 116.779, 123.68], std=[1.0, 1.0, 1.0], bgr_to_rgb=False),
    )


def _head(experiment: Experiment) -> dict[str, Any]:
    data = DATA[experiment.data]
    common = dict(
        **NETWORKS[experiment.network],
        num_classes=data['num_classes'],
        align_corners=False,
        ignore_index=data['ignore_index'],
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
    )
    if experiment.network == 'largefov':
        base, settings = 'CaffeFCHead', dict(common, layout='largefov', fc_channels=_FC_CHANNELS)
    else:
        base = 'FCNHead'
        settings = dict(
            common,
            channels=256,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0.1,
            norm_cfg=dict(type='BN', requires_grad=True),
        )
    if experiment.upsampling == 'bilinear':
        return dict(settings, type=base)
    if experiment.upsampling == 'deconv':
        return dict(settings, type='DeconvolutionHead', stride=experiment.stride)
    return dict(
        settings,
        type='GlobalInterpHead',
        base_type=base,
        in_size=coarse_size(experiment),
        out_size=full_size(experiment),
        init=experiment.init,
        size_policy=experiment.size_policy,
    )


def label_loss(experiment: Experiment) -> dict[str, Any]:
    """Arguments of the modules with a classification loss."""
    return dict(
        with_background=DATA[experiment.data]['with_background'],
        loss_decode=dict(type='MultiLabelAuxLoss', loss_weight=_LABEL_WEIGHT),
    )


def optim_wrapper(experiment: Experiment) -> dict[str, Any]:
    """Config of the optimizer, with the factors of the head and of the upsampling."""
    keys = {}
    if experiment.head_lr_mult != 1:
        keys['decode_head'] = dict(lr_mult=experiment.head_lr_mult)
    if experiment.lr_mult is not None:
        # mmengine takes the longest key that fits a name, so these hold inside the head as well.
        factors = dict(lr_mult=experiment.lr_mult, decay_mult=experiment.decay_mult)
        keys.update({'interp.kernel': factors, 'deconv.weight': factors})
    wrapper = dict(type='OptimWrapper', optimizer=OPTIMIZERS[experiment.optimizer])
    return dict(wrapper, paramwise_cfg=dict(custom_keys=keys)) if keys else wrapper


def param_scheduler(experiment: Experiment) -> list[dict]:
    """Config of the learning rate over the iterations."""
    return [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=experiment.iterations, by_epoch=False)]


def whole_training(
    experiment: Experiment, folder: Path, weights: Path, work_dir: Path, workers: int = 0
) -> dict[str, Any]:
    """Config of mmengine's ``Runner`` for training the whole network.

    Args:
        experiment: What is trained.
        folder: Where the data set lies.
        weights: ImageNet weights of the trunk.
        work_dir: Where logs go.
        workers: Processes that load images.

    Returns:
        The config.
    """
    return dict(
        model=model(experiment, weights),
        work_dir=str(work_dir),
        default_scope='mmseg',
        randomness=dict(seed=experiment.seed),
        optim_wrapper=optim_wrapper(experiment),
        param_scheduler=param_scheduler(experiment),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=experiment.iterations),
        train_dataloader=dict(
            batch_size=experiment.batch,
            num_workers=workers,
            persistent_workers=workers > 0,
            sampler=dict(type='InfiniteSampler', shuffle=True),
            dataset=dataset(experiment.data, folder, 'train', _AUGMENTATION),
        ),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=50),
            checkpoint=dict(
                type='CheckpointHook', interval=experiment.iterations, by_epoch=False, save_optimizer=False
            ),
        ),
    )


def for_fit_kernels(experiment: Experiment, folder: Path, weights: Path) -> dict[str, Any]:
    """Config of a stock model as ``tools/fit_kernels.py`` takes it.

    Args:
        experiment: The bilinear baseline.
        folder: Where the data set lies.
        weights: ImageNet weights of the trunk.

    Returns:
        The config.
    """
    loader = dict(batch_size=1, num_workers=0)
    validation = dict(
        loader,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=_with_masks_at_full_size(dataset(experiment.data, folder, 'val')),
    )
    return dict(
        model=model(experiment, weights),
        default_scope='mmseg',
        randomness=dict(seed=experiment.seed),
        train_dataloader=dict(
            loader,
            sampler=dict(type='InfiniteSampler', shuffle=True),
            dataset=dataset(experiment.data, folder, 'train'),
        ),
        val_dataloader=validation,
        test_dataloader=validation,
        val_cfg=dict(type='ValLoop'),
        test_cfg=dict(type='TestLoop'),
        val_evaluator=dict(type='IoUMetric', iou_metrics=['mIoU']),
        test_evaluator=dict(type='IoUMetric'),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=1),
        param_scheduler=[],
        optim_wrapper=optim_wrapper(experiment),
        custom_imports=dict(imports=['mmseg_gdn']),
    )


def _with_masks_at_full_size(dataset: dict[str, Any]) -> dict[str, Any]:
    """As mmseg validates: predictions are brought to the size of the masks."""
    image, masks, resize, *others = dataset['pipeline']
    return dict(dataset, pipeline=[image, resize, masks, *others])
