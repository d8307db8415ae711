# The stock SegFormer config with global interpolation: three lines.
_base_ = 'mmseg::segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
model = dict(decode_head=dict(
    type='GlobalInterpHead', base_type='SegformerHead', in_size=(256, 256), out_size=(1024, 1024)))
