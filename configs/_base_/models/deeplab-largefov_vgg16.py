# DeepLab-LargeFOV on VGG-16 with Caffe's sizes, mean and loss; upsampled bilinearly.
_base_ = '../crf/deeplab-largefov.py'
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[104.008, 116.669, 122.675],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=1,
    ),
    backbone=dict(type='CaffeVGG', layout='largefov'),
    decode_head=dict(
        type='CaffeFCHead',
        layout='largefov',
        in_channels=512,
        in_index=0,
        fc_channels=1024,
        num_classes=21,
        loss_decode=dict(type='CaffeSoftmaxLoss'),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
