# Global interpolation and the multi-label loss on data without a background class. ImageLevelMAP would tell nothing
# here: all eleven classes are in every validation image.
_base_ = './fcn_mobilenet-v2_camvid.py'

model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(
        type='GlobalInterpHead', base_type='FCNHead', in_size=(8, 10), out_size=(256, 320), size_policy='slice'),
    auxiliary_head=[
        dict(
            type='MultiLabelHead',
            in_channels=320,
            in_index=3,
            num_classes=11,
            ignore_index=11,
            with_background=True,
            loss_decode=dict(type='MultiLabelAuxLoss', loss_weight=0.5))
    ])
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}))
