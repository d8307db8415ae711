"""IoU of every class, as scalars for logs and plots."""

from __future__ import annotations

import numpy as np
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS


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
        areas = (sum(parts) for parts in zip(*results))
        iou = 100 * self.total_area_to_metrics(*areas, ['mIoU'], self.nan_to_num)['IoU']
        names = self.dataset_meta['classes']
        return metrics | {
            f'IoU/{name}': round(float(value), 2) for name, value in zip(names, iou) if not np.isnan(value)
        }
