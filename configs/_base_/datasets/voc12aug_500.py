# Whole images padded to 500 px below and to the right, mirrored, ten at a time: the sizes of the released matrices.
_base_ = './voc12aug_whole.py'

crop_size = (500, 500)
train_pipeline = [
    dict(type='ClampSize', max_size=500),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=crop_size, pad_val=dict(img=(104, 117, 123), seg=255)),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(batch_size=10, dataset=dict(pipeline=train_pipeline))
