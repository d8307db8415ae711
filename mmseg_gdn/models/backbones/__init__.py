"""Backbones: VGG-16 with Caffe's sizes."""

from .caffe_vgg import CaffeVGG

__all__ = ['CaffeVGG']
