# Whole images one by one, as FCN-32s is trained: no crop, no mirror, no scaling of sides up to 500 px.
_base_ = './voc12aug.py'

test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='ClampSize', max_size=500),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='ClampSize', max_size=500)],
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]

train_dataloader = dict(
    batch_size=1, dataset=dict(pipeline=[dict(type='ClampSize', max_size=500), dict(type='PackSegInputs')])
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
