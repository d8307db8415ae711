# Fourth stage: trains everything together. The multipliers of the matrices are the authors'; the rate, its step and the
# 2000 updates are ours.
_base_ = './deeplab-largefov_gdn_voc12aug.py'
load_from = 'work_dirs/deeplab-largefov_gdn-labels_voc12aug/iter_6000.pth'

optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [dict(type='StepLR', begin=2, step_size=3000, gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=6000)
