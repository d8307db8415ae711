# The authors' inference with their released model: sides shrunk to 500 px by nearest neighbour, BGR minus their mean,
# matrices sliced from the top left, the best class taken at the network's size. For testing only; get its checkpoint by
#   python tools/model_converters/caffe2mmseg.py MODEL.caffemodel work_dirs/gdn_released.pth --layout largefov \
#       --kernels W0.npy W1.npy
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/deeplab-largefov_vgg16.py',
    '../_base_/datasets/voc12aug_whole.py',
]

model = dict(
    type='CaffeEncoderDecoder',
    data_preprocessor=dict(mean=[104.00698793, 116.66876762, 122.67891434]),
    decode_head=dict(
        type='GlobalInterpHead', base_type='CaffeFCHead', in_size=(64, 64), out_size=(500, 500), size_policy='slice'
    ),
)
# Nothing is trained here.
train_dataloader = None
