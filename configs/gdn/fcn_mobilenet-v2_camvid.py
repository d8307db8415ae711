# Bilinear baseline of fcn_mobilenet-v2_gdn_camvid.py.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/fcn_mobilenet-v2.py',
    '../_base_/datasets/camvid.py',
    '../_base_/schedules/sgd_900.py',
]
randomness = dict(seed=0)
default_hooks = dict(checkpoint=dict(interval=300))

model = dict(
    # Images of 320x240 are padded to a multiple of the stride, 32 px.
    data_preprocessor=dict(size=(256, 320), seg_pad_val=11),
    decode_head=dict(num_classes=11, ignore_index=11),
)
