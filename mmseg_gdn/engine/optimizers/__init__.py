"""Optimizers: Caffe's SGD."""

from .caffe_sgd import CaffeSGD

__all__ = ['CaffeSGD']
