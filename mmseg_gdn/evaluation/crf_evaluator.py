"""An evaluator that refines predictions with a CRF before the metrics see them."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.logging import print_log
from mmengine.registry import EVALUATOR
from mmengine.structures import BaseDataElement
from mmengine.utils import ProgressBar
from mmseg.registry import TRANSFORMS

from mmseg_gdn.utils import InputError, require_extra

from .crf_pool import crf_pool, default_workers, refine_file, result_of, start
from .dense_crf import make_crf, require_several_classes


class _Batch(NamedTuple):
    """A batch whose images are being refined."""

    data: Any
    samples: list[dict]
    labels: list[Future]

    @property
    def is_done(self) -> bool:
        return all(label.done() for label in self.labels)


@EVALUATOR.register_module()
class CRFEvaluator(Evaluator):
    """``Evaluator`` whose metrics get classes refined by a :class:`DenseCRF`.

    The images are refined in processes beside the network, and their classes handed to the metrics batch by batch in
    the order of the data set. In distributed testing each rank refines its own images. ``seg_logits`` stay those of
    the network, and so does what hooks see.

    Example::

        test_evaluator = dict(
            type='CRFEvaluator', crf=dict(bi_w=4, bi_xy=49, bi_rgb=5), metrics=[dict(type='IoUMetric')])

    Args:
        metrics: See ``Evaluator``.
        crf: Parameters of :class:`DenseCRF` by name.
        workers: Number of processes of this rank; default: one for each CPU. At most twice as many images, or one
            batch, are kept in memory.
        loading: The transform that loads images in the test pipeline; default: :class:`LoadCheckedImage`.

    Raises:
        InputError: If pydensecrf is missing, or if a parameter has no meaning.
    """

    def __init__(
        self, metrics: Any, crf: dict | None = None, workers: int | None = None, loading: dict | None = None
    ) -> None:
        require_extra('crf')
        super().__init__(metrics)
        self.crf = make_crf(crf)
        self.workers = default_workers() if workers is None else workers
        if self.workers < 1:
            raise InputError(f'workers of CRFEvaluator is a number of processes, 1 or more, but got {workers}.')
        self.loading = TRANSFORMS.build(loading or dict(type='LoadCheckedImage'))
        print_log(f'{self.crf} refines predictions; processes: {self.workers}', 'current')
        self._pool: ProcessPoolExecutor | None = None
        self._batches: deque[_Batch] = deque()

    def process(self, data_samples: Sequence[BaseDataElement], data_batch: Any = None) -> None:
        """Start to refine a batch, and hand to the metrics what is ready.

        Args:
            data_samples: Predictions of the model, with ``seg_logits`` (C, H, W), ``img_path`` and ``ori_shape``.
            data_batch: The batch from the data loader.

        Raises:
            InputError: If an image of this or of an earlier batch cannot be refined; the message names it.
        """
        if self._pool is None:
            self._pool = crf_pool(self.workers)
        samples = [sample.to_dict() if isinstance(sample, BaseDataElement) else dict(sample) for sample in data_samples]
        self._batches.append(_Batch(data_batch, samples, [self._refine(self._pool, sample) for sample in samples]))
        while self._batches and (self._batches[0].is_done or self._in_flight() > 2 * self.workers):
            self._finish_batch()

    def evaluate(self, size: int) -> dict:
        """Refine what is left, and evaluate the metrics.

        Args:
            size: Number of images of the whole data set.

        Returns:
            Results by name.

        Raises:
            InputError: See :meth:`process`.
        """
        bar = ProgressBar(self._in_flight(), file=sys.stderr) if self._batches and is_main_process() else None
        while self._batches:
            count = len(self._batches[0].samples)
            self._finish_batch()
            if bar is not None:
                bar.update(count)
        if bar is not None:
            print(file=sys.stderr)
        self.stop()
        return super().evaluate(size)

    def _refine(self, pool: ProcessPoolExecutor, sample: dict) -> Future:
        path = sample['img_path']
        return start(pool, path, refine_file, self.crf, self.loading, path, full_size_probabilities(sample))

    def _in_flight(self) -> int:
        return sum(len(batch.samples) for batch in self._batches)

    def _finish_batch(self) -> None:
        """Wait for the oldest batch and hand it to the metrics."""
        batch = self._batches.popleft()
        try:
            for sample, label in zip(batch.samples, batch.labels):
                sample['pred_sem_seg'] = dict(data=torch.from_numpy(result_of(label, sample['img_path']))[None])
        except InputError:
            self.stop()
            raise
        super().process(batch.samples, batch.data)

    def stop(self) -> None:
        """End the processes without waiting for images that none of them has begun with."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None
        self._batches.clear()


def full_size_probabilities(sample: dict) -> np.ndarray:
    """Softmax at the size of the image; some segmentors give scores at the size of the network's input.

    Args:
        sample: Prediction with ``seg_logits`` and ``ori_shape``.

    Returns:
        Shape (C, H, W), float32.

    Raises:
        InputError: If the model is binary.
    """
    scores = sample['seg_logits']['data'].detach().float()
    require_several_classes(len(scores))
    size = tuple(sample['ori_shape'][:2])
    if tuple(scores.shape[1:]) != size:
        scores = F.interpolate(scores[None], size=size, mode='bilinear', align_corners=False)[0]
    return scores.softmax(0).cpu().numpy()
