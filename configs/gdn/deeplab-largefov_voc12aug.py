# DeepLab-LargeFOV as in Caffe: the bilinear baseline of deeplab-largefov_gdn_voc12aug.py.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/deeplab-largefov_vgg16.py',
    '../_base_/datasets/voc12aug_321.py', '../_base_/schedules/caffe_largefov.py'
]
custom_hooks = [dict(type='CaffeWeightsHook', checkpoint='work_dirs/vgg16_caffe_largefov.pth', layout='largefov')]
