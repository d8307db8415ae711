# Crops of 321 px with mirroring in batches of 30, and labels thinned to the 41x41 coarse scores, as DeepLab's
# first version is trained; whole images in testing.
_base_ = './voc12aug_whole.py'

crop_size = (321, 321)
train_pipeline = [
    dict(type='RandomCrop', crop_size=crop_size),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=crop_size, pad_val=dict(img=(104, 117, 123), seg=255)),
    dict(type='ShrinkLabels', factor=8),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(batch_size=30, dataset=dict(pipeline=train_pipeline))
