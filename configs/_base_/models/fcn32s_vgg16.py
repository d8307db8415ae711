# FCN-32s on VGG-16 with Caffe's sizes, mean and loss; upsampled by its frozen deconvolution. No CRF parameters
# are published for it; DeepLab v1's are where a search can start.
_base_ = '../crf/deeplab-v1.py'
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[104.00699, 116.66877, 122.67892],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
        pad_val=0,
        seg_pad_val=255,
        size_divisor=1,
    ),
    backbone=dict(type='CaffeVGG', layout='fcn32s'),
    decode_head=dict(
        type='CaffeFCHead',
        layout='fcn32s',
        in_channels=512,
        in_index=0,
        fc_channels=4096,
        num_classes=21,
        loss_decode=dict(type='CaffeSoftmaxLoss', normalize=False),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
