"""Comparisons with golden files, which the authors' own Caffe has written."""
