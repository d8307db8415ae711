# The stock SegFormer config with global interpolation: three lines.
_base_ = 'mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py'
custom_imports = dict(imports=['mmseg_gdn'], allow_failed_imports=False)
model = dict(decode_head=dict(
    type='GlobalInterpHead', base_type='SegformerHead', in_size=(128, 128), out_size=(512, 512)))
