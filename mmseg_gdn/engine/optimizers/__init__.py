"""Optimizers: Caffe's SGD, and learning rates of single parameters for any constructor."""

from .caffe_sgd import CaffeSGD
from .custom_keys_constructor import CustomKeysConstructor

__all__ = ['CaffeSGD', 'CustomKeysConstructor']
