"""Stop a test whose scores are NaN or infinite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from mmseg.structures import SegDataSample

from mmseg_gdn.evaluation.finite_scores import require_finite_scores


@HOOKS.register_module()
class FiniteScoresHook(Hook):
    """Ends testing at the first image whose scores are NaN or infinite, before results are written.

    Finite weights may give such scores, because numbers overflow within a network. ``tools/test.py`` adds it. In
    validation it does nothing, because a training may recover.
    """

    # Before predictions are painted.
    priority = 'VERY_HIGH'

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Sequence[SegDataSample] | None = None
    ) -> None:
        """Check the scores.

        Args:
            runner: The runner of the test.
            batch_idx: Index of the batch.
            data_batch: The batch.
            outputs: Predictions.

        Raises:
            InputError: If a score is NaN or infinite; the message names the image.
        """
        for sample in outputs or ():
            require_finite_scores(sample, str(sample.get('img_path')))
