# The stock DeepLabV3+ config with global interpolation: three lines.
_base_ = 'mmseg::deeplabv3plus/deeplabv3plus_r50-d8_4xb2-40k_cityscapes-512x1024.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
model = dict(decode_head=dict(
    type='GlobalInterpHead', base_type='DepthwiseSeparableASPPHead', in_size=(128, 256), out_size=(512, 1024)))
