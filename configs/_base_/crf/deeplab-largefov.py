# DenseCRF as in the script of DeepLab-LargeFOV (VGG-16).
crf = dict(iterations=10, bi_w=4, bi_xy=49, bi_rgb=5, pos_w=3, pos_xy=3)
