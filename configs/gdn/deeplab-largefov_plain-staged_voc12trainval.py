# Baseline of deeplab-largefov_gdn-staged_voc12trainval.py: val is among the training images, so there is nothing to
# validate on.
_base_ = './deeplab-largefov_plain-staged_voc12aug.py'
load_from = 'work_dirs/deeplab-largefov_plain-staged_voc12aug/iter_6000.pth'

train_dataloader = dict(dataset=dict(dataset=dict(datasets=[_base_.voc_train, _base_.sbd_aug, _base_.voc_val])))
val_dataloader = None
val_cfg = None
val_evaluator = None
