# Last stage, for the test server: goes on with val among the training images. There is nothing left to validate on, and
# what tools/test.py measures on val says nothing about new images.
_base_ = './fcn32s_gdn-staged_voc12aug.py'
load_from = 'work_dirs/fcn32s_gdn-staged_voc12aug/iter_20000.pth'

train_dataloader = dict(dataset=dict(dataset=dict(datasets=[_base_.voc_train, _base_.sbd_aug, _base_.voc_val])))
val_dataloader = None
val_cfg = None
val_evaluator = None
