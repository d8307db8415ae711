"""Tests of the kernels themselves run in Triton's interpreter only, where ``test_interpreted.py`` starts them."""

from mmseg_gdn.ops import cuda

collect_ignore = [] if cuda.INTERPRETED else ['test_kernels.py']
