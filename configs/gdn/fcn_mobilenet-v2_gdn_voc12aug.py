# Global interpolation on MobileNetV2. Images are padded below and to the right, so smaller ones use the top-left parts
# of the matrices.
_base_ = './fcn_mobilenet-v2_voc12aug.py'

model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(
        type='GlobalInterpHead', base_type='FCNHead', in_size=(10, 10), out_size=(320, 320), size_policy='slice'
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}))
