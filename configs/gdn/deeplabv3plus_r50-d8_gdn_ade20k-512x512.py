# The config in _base_ with learned global interpolation, written by tools/gdn_variant.py.
_base_ = 'mmseg::deeplabv3plus/deeplabv3plus_r50-d8_4xb4-80k_ade20k-512x512.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(
        type='GlobalInterpHead', base_type='DepthwiseSeparableASPPHead', in_size=(128, 128), out_size=(512, 512)
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}))
