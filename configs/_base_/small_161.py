# What makes the configs in gdn/small small: images of at most 161 px per side, which DeepLab-LargeFOV turns into 21x21
# scores and FCN-32s into 6x6, and narrow fc layers. Narrow layers need larger initial values than wide ones.
small_fc = dict(fc_channels=256, init_cfg=dict(type='Normal', layer='Conv2d', std=0.01))
small_test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='ClampSize', max_size=161),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
small_test = dict(num_workers=1, dataset=dict(pipeline=small_test_pipeline))
small_padded_train = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(
        pipeline=[
            dict(type='ClampSize', max_size=161),
            dict(type='RandomFlip', prob=0.5),
            dict(type='Pad', size=(161, 161), pad_val=dict(img=(104, 117, 123), seg=255)),
            dict(type='PackSegInputs'),
        ]
    ),
)
small_whole_train = dict(
    num_workers=1, dataset=dict(pipeline=[dict(type='ClampSize', max_size=161), dict(type='PackSegInputs')])
)
small_tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='ClampSize', max_size=161)],
            [
                dict(type='RandomFlip', prob=0.0, direction='horizontal'),
                dict(type='RandomFlip', prob=1.0, direction='horizontal'),
            ],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ],
    ),
]
