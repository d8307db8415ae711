# The demo's network with global interpolation and the multi-label loss. Training images are padded below and to the
# right, so smaller images use the top-left parts of the matrices.
_base_ = './demo_bilinear.py'

model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(
        type='GlobalInterpHead', base_type='FCNHead', in_size=(8, 8), out_size=(128, 128), size_policy='slice'
    ),
    auxiliary_head=[
        dict(
            type='MultiLabelHead',
            in_channels=128,
            in_index=3,
            num_classes=21,
            loss_decode=dict(type='MultiLabelAuxLoss', loss_weight=0.5),
        )
    ],
)
# The network's rate is five times that of other AdamW recipes, so the factor is a fifth.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=20, decay_mult=0)}))
