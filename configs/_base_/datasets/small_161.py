# Images of at most 161 px per side, for trying the stages on a CPU; the configs in gdn/small take these settings over.
# DeepLab-LargeFOV turns 161 px into 21x21 scores, FCN-32s into 6x6.
small_test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='ClampSize', max_size=161),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs')
]
small_test = dict(num_workers=1, dataset=dict(pipeline=small_test_pipeline))
small_padded_train = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(pipeline=[
        dict(type='ClampSize', max_size=161),
        dict(type='RandomFlip', prob=0.5),
        dict(type='Pad', size=(161, 161), pad_val=dict(img=(104, 117, 123), seg=255)),
        dict(type='PackSegInputs')
    ]))
small_whole_train = dict(
    num_workers=1, dataset=dict(pipeline=[dict(type='ClampSize', max_size=161), dict(type='PackSegInputs')]))
small_tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [dict(type='ClampSize', max_size=161)],
            [dict(type='RandomFlip', prob=0., direction='horizontal'),
             dict(type='RandomFlip', prob=1., direction='horizontal')],
            [dict(type='LoadAnnotations')],
            [dict(type='PackSegInputs')],
        ])
]
