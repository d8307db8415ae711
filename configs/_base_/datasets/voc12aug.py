# VOC 2012 with SBD's extra annotations (trainaug, 10582 images) for training and VOC val for testing.
# Children set the pipelines that follow loading: train_dataloader.dataset.pipeline and test_pipeline.
data_root = 'data/VOCdevkit/VOC2012'

load_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
# Masks are loaded last: results are brought back to the size of the image, so masks are never resized.
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]

voc_train = dict(
    type='CheckedVOCDataset',
    data_root=data_root,
    data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
    ann_file='ImageSets/Segmentation/train.txt',
    pipeline=load_pipeline,
)
sbd_aug = dict(
    type='CheckedVOCDataset',
    data_root=data_root,
    data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClassAug'),
    ann_file='ImageSets/Segmentation/aug.txt',
    pipeline=load_pipeline,
)
# For configs that train on val as well.
voc_val = dict(voc_train, ann_file='ImageSets/Segmentation/val.txt')

train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='MultiImageMixDataset',
        dataset=dict(type='ConcatDataset', datasets=[voc_train, sbd_aug]),
        pipeline=[dict(type='PackSegInputs')],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CheckedVOCDataset',
        data_root=data_root,
        data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
        ann_file='ImageSets/Segmentation/val.txt',
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='PerClassIoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
