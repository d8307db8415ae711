# 900 iterations of SGD with a polynomial rate: batches of 8 make them 7.6 passes over 945 images.
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=5e-4), clip_grad=None
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=50, by_epoch=False),
    dict(type='PolyLR', eta_min=0, power=0.9, begin=50, end=900, by_epoch=False),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=900, val_interval=900)
