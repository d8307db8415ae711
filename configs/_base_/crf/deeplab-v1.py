# DenseCRF of DeepLab v1.
crf = dict(iterations=10, bi_w=5, bi_xy=50, bi_rgb=10, pos_w=3, pos_xy=3)
