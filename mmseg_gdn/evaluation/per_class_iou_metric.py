"""IoU of every class, as scalars for logs and plots."""

from __future__ import annotations

import logging

import numpy as np
from mmengine.logging import print_log
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS
from torch import Tensor


@METRICS.register_module()
class PerClassIoUMetric(IoUMetric):
    """``IoUMetric`` that returns the IoU of each class as well, which mmseg only prints.

    The keys are ``IoU/<class>``, so TensorBoard shows all classes in one group. Classes that occur neither in the
    predictions nor in the masks have no IoU and no key, because JSON has no NaN.
    """

    def compute_metrics(self, results: list) -> dict[str, float]:
        """What ``IoUMetric`` returns, and the IoU of each class.

        Args:
            results: Areas of all images.

        Returns:
            Metrics in percent; empty with ``format_only``.
        """
        metrics = super().compute_metrics(results)
        if self.format_only:
            return metrics
        areas = [sum(parts) for parts in zip(*results)]
        iou = 100 * self.total_area_to_metrics(*areas, ['mIoU'], self.nan_to_num)['IoU']
        names = self.dataset_meta['classes']
        self._warn_of_empty_masks(areas_of_labels=areas[3], images=len(results))
        return metrics | {
            f'IoU/{name}': round(float(value), 2) for name, value in zip(names, iou) if not np.isnan(value)
        }

    def _warn_of_empty_masks(self, areas_of_labels: Tensor, images: int) -> None:
        """An mIoU of one class is no result, and easily 100."""
        names = self.dataset_meta['classes']
        present = [name for name, area in zip(names, areas_of_labels.tolist()) if area > 0]
        if len(present) < 2 < len(names):
            what = f'no class but {present[0]!r}' if present else 'no class'
            print_log(
                f'The masks of the {images} images hold {what}, so the mean IoU says nothing; check that they '
                'hold class indices.',
                'current',
                logging.WARNING,
            )
