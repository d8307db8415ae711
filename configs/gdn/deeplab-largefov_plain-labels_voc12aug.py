# Baseline of deeplab-largefov_gdn-labels_voc12aug.py: trained for as long, without matrices and classification loss.
_base_ = './deeplab-largefov_whole_voc12aug.py'
load_from = 'work_dirs/deeplab-largefov_whole_voc12aug/iter_18000.pth'

optim_wrapper = dict(optimizer=dict(lr=1e-4))
train_cfg = dict(max_iters=6000)
