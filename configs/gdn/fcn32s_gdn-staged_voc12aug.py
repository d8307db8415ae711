# Fourth stage: trains everything together. The multipliers of the matrices are the authors', the other rates FCN-32s',
# the number of iterations is ours.
_base_ = './fcn32s_gdn_voc12aug.py'
load_from = 'work_dirs/fcn32s_gdn-labels_voc12aug/iter_20000.pth'

train_cfg = dict(max_iters=20000)
