"""Caffe's models: reading them, and converting their weights."""

from .convert import Conversion, convert
from .kernel_file import read_kernel
from .reader import CaffeLayer, read_caffemodel

__all__ = ['CaffeLayer', 'Conversion', 'convert', 'read_caffemodel', 'read_kernel']
