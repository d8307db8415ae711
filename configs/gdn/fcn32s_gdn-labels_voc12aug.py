# Third stage: adds the classification loss. Network and branch are trained, the matrices stay as they are. Neither the
# paper nor the release says how the stages were scheduled: their order and the number of iterations are ours, the rates
# FCN-32s'.
_base_ = './fcn32s_gdn_voc12aug.py'
load_from = 'work_dirs/fcn32s_gdn-matrices_voc12aug/iter_20000.pth'

optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=0, decay_mult=0)}))
train_cfg = dict(max_iters=20000)
