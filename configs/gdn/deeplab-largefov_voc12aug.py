# DeepLab-LargeFOV as in Caffe: crops and thinned labels. deeplab-largefov_whole_voc12aug.py is the baseline that sees
# the same images and labels as GDN.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/deeplab-largefov_vgg16.py',
    '../_base_/datasets/voc12aug_321.py',
    '../_base_/schedules/caffe_largefov.py',
]
custom_hooks = [dict(type='CaffeWeightsHook', checkpoint='work_dirs/vgg16_caffe_largefov.pth', layout='largefov')]
