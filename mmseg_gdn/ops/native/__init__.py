"""The operators as compiled code, for float32 on x86 processors; PyTorch computes the same where this cannot run."""

from .calls import argmax, cross_entropy, product, product_gradients
from .library import is_available, serves

__all__ = ['argmax', 'cross_entropy', 'is_available', 'product', 'product_gradients', 'serves']
