"""Evaluation: IoU of each class, mean average precision of the label branch, and archives for the VOC server."""

from .image_level_map import ImageLevelMAP
from .per_class_iou_metric import PerClassIoUMetric
from .voc_submission import VOCSubmission

__all__ = ['ImageLevelMAP', 'PerClassIoUMetric', 'VOCSubmission']
