# Third stage: adds the classification loss. Network and branch are trained, the matrices stay as they are. Neither the
# paper nor the release says how the stages were scheduled: order, rate and the 2000 updates are ours.
_base_ = './deeplab-largefov_gdn_voc12aug.py'
load_from = 'work_dirs/deeplab-largefov_gdn-matrices_voc12aug/iter_6000.pth'

optim_wrapper = dict(
    optimizer=dict(lr=1e-4), paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=0, decay_mult=0)})
)
train_cfg = dict(max_iters=6000)
