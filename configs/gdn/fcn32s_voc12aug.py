# FCN-32s as in Caffe: the deconvolution baseline of fcn32s_gdn_voc12aug.py, and the first of the stages.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/fcn32s_vgg16.py',
    '../_base_/datasets/voc12aug_whole.py',
    '../_base_/schedules/caffe_fcn32s.py',
]
custom_hooks = [dict(type='CaffeWeightsHook', checkpoint='work_dirs/vgg16_caffe_fcn32s.pth', layout='fcn32s')]
# With the solver's state, a checkpoint takes 1.1 GB.
default_hooks = dict(checkpoint=dict(max_keep_ckpts=1))
