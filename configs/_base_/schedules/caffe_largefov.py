# DeepLab-LargeFOV's solver: lr_policy "step" (x0.1 every 2000), base_lr 1e-3, momentum 0.9; fc8 at ten times that.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='CaffeSGD', lr=1e-3, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(
        bias_lr_mult=2,
        bias_decay_mult=0,
        custom_keys={
            'conv_seg.weight': dict(lr_mult=10, decay_mult=1),
            'conv_seg.bias': dict(lr_mult=20, decay_mult=0),
        },
    ),
)
param_scheduler = [dict(type='StepLR', step_size=2000, gamma=0.1, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=6000, val_interval=2000)
