# The stock DeepLabV3+ config with global interpolation: three lines.
_base_ = 'mmseg::deeplabv3plus/deeplabv3plus_r50-d8_4xb4-80k_ade20k-512x512.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
model = dict(decode_head=dict(
    type='GlobalInterpHead', base_type='DepthwiseSeparableASPPHead', in_size=(128, 128), out_size=(512, 512)))
