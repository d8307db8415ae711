# The config in _base_ with learned global interpolation, written by tools/gdn_variant.py.
_base_ = 'mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(type='GlobalInterpHead', base_type='SegformerHead', in_size=(256, 256), out_size=(1024, 1024)),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}))
