"""Optimizers: Caffe's SGD, and a constructor that gives single parameters their own learning rates."""

from .caffe_sgd import CaffeSGD
from .custom_keys_constructor import CustomKeysConstructor

__all__ = ['CaffeSGD', 'CustomKeysConstructor']
