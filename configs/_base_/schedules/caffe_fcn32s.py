# FCN-32s' solver: lr_policy "fixed", base_lr 1e-10 for a loss that is not normalised, momentum 0.99.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='CaffeSGD', lr=1e-10, momentum=0.99, weight_decay=5e-4),
    paramwise_cfg=dict(bias_lr_mult=2, bias_decay_mult=0),
)
param_scheduler = []
train_cfg = dict(type='IterBasedTrainLoop', max_iters=100000, val_interval=4000)
