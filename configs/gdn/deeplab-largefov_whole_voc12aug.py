# DeepLab-LargeFOV on whole images padded to 500 px and with all labels, bilinearly upsampled: the baseline of
# deeplab-largefov_gdn_voc12aug.py, and the first of the stages. Three batches of ten make the recipe's batch of 30.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/deeplab-largefov_vgg16.py',
    '../_base_/datasets/voc12aug_500.py',
    '../_base_/schedules/caffe_largefov.py',
]
custom_hooks = [dict(type='CaffeWeightsHook', checkpoint='work_dirs/vgg16_caffe_largefov.pth', layout='largefov')]

optim_wrapper = dict(accumulative_counts=3)
# A rate is used for all three batches of an update, hence begin=2.
param_scheduler = [dict(type='StepLR', begin=2, step_size=6000, gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=18000, val_interval=6000)
