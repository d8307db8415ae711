"""Evaluation: IoU of each class, mean average precision of the label branch, a CRF, and archives for the VOC server."""

from .crf_evaluator import CRFEvaluator
from .image_level_map import ImageLevelMAP
from .per_class_iou_metric import PerClassIoUMetric
from .voc_submission import VOCSubmission

__all__ = ['CRFEvaluator', 'ImageLevelMAP', 'PerClassIoUMetric', 'VOCSubmission']
