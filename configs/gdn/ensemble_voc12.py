# FCN-32s and DeepLab-LargeFOV with global interpolation, their probabilities averaged. For testing only, and without a
# checkpoint after the config; members that lie elsewhere are named by
#   --cfg-options model.members.0.checkpoint=FCN32S.pth model.members.1.checkpoint=LARGEFOV.pth
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/voc12aug.py']

model = dict(
    type='Ensemble',
    members=[
        dict(
            config='{{ fileDirname }}/fcn32s_gdn-staged_voc12aug.py',
            checkpoint='work_dirs/fcn32s_gdn-staged_voc12aug/iter_20000.pth',
        ),
        dict(
            config='{{ fileDirname }}/deeplab-largefov_gdn-staged_voc12aug.py',
            checkpoint='work_dirs/deeplab-largefov_gdn-staged_voc12aug/iter_6000.pth',
        ),
    ],
)
# Nothing is trained here.
train_dataloader = None
val_dataloader = None
val_cfg = None
val_evaluator = None
