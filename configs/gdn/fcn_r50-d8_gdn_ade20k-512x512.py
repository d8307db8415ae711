# The stock FCN config with global interpolation: three lines.
_base_ = 'mmseg::fcn/fcn_r50-d8_4xb4-80k_ade20k-512x512.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
model = dict(decode_head=dict(type='GlobalInterpHead', base_type='FCNHead', in_size=(64, 64), out_size=(512, 512)))
