# Global interpolation on data without a background class.
_base_ = './fcn_mobilenet-v2_camvid.py'

model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(
        type='GlobalInterpHead', base_type='FCNHead', in_size=(8, 10), out_size=(256, 320), size_policy='slice'
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}))
