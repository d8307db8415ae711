# Berkeley's trained FCN-32s on the images that they validate on, whole and unscaled, BGR minus their mean: 63.6 mean
# IoU as published. For testing only; get the checkpoint and the list by
#   python tools/model_converters/get_weights.py fcn32s-voc
#   python tools/dataset_converters/get_voc.py
# and run: python tools/test.py configs/gdn/fcn32s_voc11valid.py work_dirs/fcn32s_voc_caffe.pth
_base_ = ['../_base_/default_runtime.py', '../_base_/models/fcn32s_vgg16.py', '../_base_/datasets/voc12aug_whole.py']

test_dataloader = dict(dataset=dict(ann_file='ImageSets/Segmentation/seg11valid.txt'))
# Nothing is trained here.
train_dataloader = None
val_dataloader = None
val_cfg = None
val_evaluator = None
