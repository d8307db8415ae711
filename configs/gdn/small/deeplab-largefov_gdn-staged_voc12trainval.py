# ../deeplab-largefov_gdn-staged_voc12trainval.py with narrow fc layers, small images and few iterations,
# for trying the stages on a CPU.
_base_ = ['../deeplab-largefov_gdn-staged_voc12trainval.py', '../../_base_/small_161.py']
work_dir = 'work_dirs/small/deeplab-largefov_gdn-staged_voc12trainval'
load_from = 'work_dirs/small/deeplab-largefov_gdn-staged_voc12aug/iter_40.pth'

crop_size = (161, 161)
# In so few iterations, the authors' initial values would not change enough to be of any use.
model = dict(decode_head=dict(_base_.small_fc, in_size=(21, 21), out_size=(161, 161), init='bilinear'))
train_dataloader = _base_.small_padded_train
test_dataloader = _base_.small_test
tta_pipeline = _base_.small_tta_pipeline
optim_wrapper = dict(accumulative_counts=1)
train_cfg = dict(max_iters=20)
default_hooks = dict(logger=dict(interval=10))
