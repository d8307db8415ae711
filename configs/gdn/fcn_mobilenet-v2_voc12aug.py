# Bilinear baseline of fcn_mobilenet-v2_gdn_voc12aug.py.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/fcn_mobilenet-v2.py',
    '../_base_/datasets/voc12aug_320.py',
    '../_base_/schedules/sgd_900.py',
]
randomness = dict(seed=0)
default_hooks = dict(checkpoint=dict(interval=300))
