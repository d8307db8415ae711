# Second stage: learns the matrices alone, on the coarse scores of the trained FCN-32s. So does the authors' release, at
# 10 times the rate and 100 times the decay. The base rate is that of FCN-32s, the number of iterations is ours.
# As images are not augmented, their coarse scores can be computed once and kept:
#   --cfg-options model.cache_scores=work_dirs/fcn32s_gdn-matrices_voc12aug/coarse_scores
_base_ = './fcn32s_gdn_voc12aug.py'
load_from = 'work_dirs/fcn32s_voc12aug/iter_100000.pth'

model = dict(train_only=['decode_head.interp'], decode_head=dict(label_branch=None))
train_cfg = dict(max_iters=20000)
# Without the branch there are no image-level scores.
val_evaluator = [dict(type='PerClassIoUMetric')]
test_evaluator = val_evaluator
# The stage before has no matrices, so they keep the authors' initial values.
default_hooks = dict(check_checkpoint=dict(type='CheckpointCheckHook', partial=True))
