# The method on DeepLab-LargeFOV, everything trained at once. The matrices have the sizes of the released ones (64 to
# 500), so training takes whole padded images.
_base_ = './deeplab-largefov_whole_voc12aug.py'

model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(
        type='GlobalInterpHead',
        base_type='CaffeFCHead',
        in_size=(64, 64),
        out_size=(500, 500),
        init='caffe',
        size_policy='slice',
        # Half the weight of the pixels' mean, spread over 20 classes because Caffe sums over them.
        label_branch=dict(
            hidden_channels=256,
            pool='flatten',
            loss_decode=dict(type='MultiLabelAuxLoss', normalization='caffe', loss_weight=0.025),
        ),
    ),
)
# The authors' release: lr_mult 10, decay_mult 100 on both matrices.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=10, decay_mult=100)}))
val_evaluator = [dict(type='PerClassIoUMetric'), dict(type='ImageLevelMAP')]
test_evaluator = val_evaluator
