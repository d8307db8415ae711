"""Comparisons with golden files: arrays and models computed by the authors' Caffe."""
