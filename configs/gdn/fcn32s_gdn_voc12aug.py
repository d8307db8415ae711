# The method on FCN-32s: global interpolation in place of deconvolution and crop, and the classification branch on the
# coarse scores.
_base_ = './fcn32s_voc12aug.py'

model = dict(
    type='GlobalInterpEncoderDecoder',
    decode_head=dict(
        type='GlobalInterpHead',
        base_type='CaffeFCHead',
        in_size=(16, 16),
        out_size=(500, 500),
        init='caffe',
        size_policy='slice',
        # The softmax loss is a sum over 250000 pixels and this one over 20 classes: the weight makes the mean over
        # classes count half as much as the mean over pixels.
        label_branch=dict(
            hidden_channels=256,
            pool='flatten',
            loss_decode=dict(type='MultiLabelAuxLoss', normalization='caffe', loss_weight=6250.0),
        ),
    ),
)
# The authors' release: lr_mult 10, decay_mult 100 on both matrices.
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=10, decay_mult=100)}))
val_evaluator = [dict(type='PerClassIoUMetric'), dict(type='ImageLevelMAP')]
test_evaluator = val_evaluator
