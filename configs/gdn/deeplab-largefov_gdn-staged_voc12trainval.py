# Last stage, for the test server: goes on with val among the training images. There is nothing left to validate on, and
# what tools/test.py measures on val says nothing about new images.
_base_ = './deeplab-largefov_gdn-staged_voc12aug.py'
load_from = 'work_dirs/deeplab-largefov_gdn-staged_voc12aug/iter_6000.pth'

train_dataloader = dict(dataset=dict(dataset=dict(datasets=[_base_.voc_train, _base_.sbd_aug, _base_.voc_val])))
val_dataloader = None
val_cfg = None
val_evaluator = None
