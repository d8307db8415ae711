# Baseline of fcn32s_gdn-staged_voc12aug.py: FCN-32s trained for as long, without matrices and classification loss.
_base_ = './fcn32s_voc12aug.py'
load_from = 'work_dirs/fcn32s_plain-labels_voc12aug/iter_20000.pth'

train_cfg = dict(max_iters=20000)
