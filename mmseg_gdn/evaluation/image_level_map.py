"""How well does a model tell which classes are in an image?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmseg.registry import METRICS

from mmseg_gdn.models.losses.multi_label_aux_loss import image_labels
from mmseg_gdn.utils import InputError


@METRICS.register_module()
class ImageLevelMAP(BaseMetric):
    """Mean average precision of image-level scores, as in VOC's classification task since 2010.

    The scores are ``image_scores`` of the predictions, which ``GlobalInterpEncoderDecoder`` takes from the label branch
    or from a ``MultiLabelHead``. The labels come from the masks. A class that is in no image has no average precision;
    it is left out of the mean and named in the log. With test-time augmentation, the scores are those of the last
    augmented image.

    Args:
        ignore_index: Label of void pixels.
        min_share: Smallest share of an image's valid pixels for which a class counts as present, as in
            ``MultiLabelAuxLoss``.
        collect_device: See mmengine's ``BaseMetric``.
        prefix: See mmengine's ``BaseMetric``.
    """

    def __init__(
        self, ignore_index: int = 255, min_share: float = 0.0, collect_device: str = 'cpu', prefix: str | None = None
    ) -> None:
        super().__init__(collect_device, prefix)
        self.ignore_index = ignore_index
        self.min_share = min_share

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Note the scores and the labels of a batch.

        Args:
            data_batch: Not used.
            data_samples: Predictions with ``image_scores``, shape (K,) or ``None``, and ``gt_sem_seg``.

        Raises:
            InputError: If the model predicts no image-level scores, or those of other classes.
        """
        for sample in data_samples:
            if 'image_scores' not in sample:
                raise InputError(
                    'This model predicts no image-level scores, which ImageLevelMAP needs: use the '
                    'segmentor GlobalInterpEncoderDecoder with a label_branch in its decode head or a '
                    "MultiLabelHead, and test_cfg.mode='whole'; or remove the metric."
                )
            scores = sample['image_scores']
            if scores is None:
                self.results.append(None)
                continue
            classes = self._classes(len(scores))
            mask = sample['gt_sem_seg']['data'].cpu()
            present = image_labels(mask, len(self.dataset_meta['classes']), self.ignore_index, self.min_share)[0]
            self.results.append((scores.float().cpu().numpy(), present[-len(classes) :].numpy() > 0))

    def compute_metrics(self, results: list[tuple[np.ndarray, np.ndarray] | None]) -> dict[str, float]:
        """The average precision of each class and their mean.

        Args:
            results: Scores and labels of each image, both (K,); ``None`` where a model could give no scores.

        Returns:
            ``mAP`` and ``AP/<class>`` in percent; empty if there is an image without scores, or no class in any image.
        """
        unscored = sum(result is None for result in results)
        if unscored:
            print_log(
                f'No mAP: {unscored} of {len(results)} images have no image-level scores, because the checkpoint '
                'has no weights for them, the images are larger than the label branch was made for, the decode head '
                'hides its coarse scores from the branch, or the model predicts in windows.',
                'current',
                logging.WARNING,
            )
            return {}
        scores, present = (np.stack(parts, 1) for parts in zip(*results))
        classes = self._classes(len(scores))
        precisions = {
            f'AP/{name}': round(100 * average_precision(*pair), 2)
            for name, *pair in zip(classes, scores, present)
            if pair[1].any()
        }
        left_out = [name for name in classes if f'AP/{name}' not in precisions]
        if left_out:
            print_log(f'mAP leaves out the classes that are in no image: {", ".join(left_out)}.', 'current')
        if not precisions:
            return {}
        return dict(mAP=round(float(np.mean(list(precisions.values()))), 2), **precisions)

    def _classes(self, count: int) -> Sequence[str]:
        """Names of the classes that the scores are of: all, or all but the background."""
        classes = self.dataset_meta['classes']
        if count not in (len(classes), len(classes) - 1):
            raise InputError(
                f'The model gives {count} image-level scores, but the data set has {len(classes)} classes '
                'with the background; test with a config and a checkpoint for the same data.'
            )
        return classes[-count:]


def average_precision(scores: np.ndarray, present: np.ndarray) -> float:
    """Area under the curve of precision over recall, after making precision monotonic (VOC 2010 and later).

    Images with equal scores are retrieved together, so the result does not depend on their order.

    Args:
        scores: Score of each image, shape (N,).
        present: Whether the class is in each image, shape (N,), true at least once.

    Returns:
        Average precision, above 0 and at most 1.
    """
    order = np.argsort(-scores)
    is_threshold = np.append(np.diff(scores[order]) != 0, True)
    found = np.cumsum(present[order])[is_threshold]
    precision = found / (np.flatnonzero(is_threshold) + 1)
    highest_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.diff(found, prepend=0) @ highest_from_here / found[-1])
