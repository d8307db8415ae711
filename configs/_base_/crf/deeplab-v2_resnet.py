# DenseCRF as in the script of DeepLab v2 (ResNet-101).
crf = dict(iterations=10, bi_w=4, bi_xy=67, bi_rgb=3, pos_w=3, pos_xy=1)
