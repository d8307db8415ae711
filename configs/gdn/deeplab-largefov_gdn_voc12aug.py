# The method on DeepLab-LargeFOV. The matrices have the sizes of the released ones (64 to 500), so training takes whole
# padded images; three batches of ten make the recipe's batch of 30.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/deeplab-largefov_vgg16.py',
    '../_base_/datasets/voc12aug_500.py', '../_base_/schedules/caffe_largefov.py'
]
custom_hooks = [dict(type='CaffeWeightsHook', checkpoint='work_dirs/vgg16_caffe_largefov.pth', layout='largefov')]

model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(
        type='GlobalInterpHead',
        base_type='CaffeFCHead',
        in_size=(64, 64),
        out_size=(500, 500),
        init='caffe',
        size_policy='slice',
        # Half the weight of the pixels' mean, spread over 20 classes because Caffe sums over them.
        label_branch=dict(
            hidden_channels=256,
            pool='flatten',
            loss_decode=dict(type='MultiLabelAuxLoss', normalization='caffe', loss_weight=0.025))))
optim_wrapper = dict(
    accumulative_counts=3,
    # The authors' release: lr_mult 10, decay_mult 100 on both matrices.
    paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=10, decay_mult=100)}))
# A rate is used for all three batches of an update, hence begin=2.
param_scheduler = [dict(type='StepLR', begin=2, step_size=6000, gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=18000, val_interval=6000)
