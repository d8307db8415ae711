# Baseline of deeplab-largefov_gdn-staged_voc12aug.py: trained for as long, without matrices and classification loss.
_base_ = './deeplab-largefov_whole_voc12aug.py'
load_from = 'work_dirs/deeplab-largefov_plain-labels_voc12aug/iter_6000.pth'

optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [dict(type='StepLR', begin=2, step_size=3000, gamma=0.1, by_epoch=False)]
train_cfg = dict(max_iters=6000)
