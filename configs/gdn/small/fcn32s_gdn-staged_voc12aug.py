# ../fcn32s_gdn-staged_voc12aug.py with narrow fc layers, small images and few iterations,
# for trying the stages on a CPU.
_base_ = ['../fcn32s_gdn-staged_voc12aug.py', '../../_base_/small_161.py']
work_dir = 'work_dirs/small/fcn32s_gdn-staged_voc12aug'
load_from = 'work_dirs/small/fcn32s_voc12aug/iter_20.pth'

# In so few iterations, the authors' initial values would not change enough to be of any use.
model = dict(decode_head=dict(fc_channels=256, in_size=(6, 6), out_size=(161, 161), init='bilinear'))
train_dataloader = _base_.small_whole_train
val_dataloader = _base_.small_test
test_dataloader = _base_.small_test
tta_pipeline = _base_.small_tta_pipeline
# Nothing is validated during training; tools/test.py does it.
train_cfg = dict(max_iters=10, val_begin=100000)
# It starts from the baseline, which has no matrices.
default_hooks = dict(logger=dict(interval=10), check_checkpoint=dict(type='CheckpointCheckHook', partial=True))
