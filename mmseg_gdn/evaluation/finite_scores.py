"""Scores that are NaN or infinite, from which class 0 would come out as if it had been predicted."""

from __future__ import annotations

import torch
from mmseg.structures import SegDataSample

from mmseg_gdn.structures import DeferredPixelData
from mmseg_gdn.utils import InputError


def require_finite_scores(sample: SegDataSample, path: str) -> None:
    """Make sure that the scores of a prediction are numbers. Full-size scores are not computed for it.

    Args:
        sample: The prediction; one without ``seg_logits`` passes.
        path: The image, for the message.

    Raises:
        InputError: If they are NaN or infinite, although the weights are not.
    """
    scores = sample.get('seg_logits')
    if scores is None:
        return
    is_deferred = isinstance(scores, DeferredPixelData)
    largest = scores.bound() if is_deferred else torch.stack(scores.data.detach().aminmax()).abs().amax()
    if not largest.isfinite():
        raise InputError(
            f'The scores of the image {path} are NaN or infinite, although the weights are finite: '
            'numbers overflow within the network. Take a checkpoint of an earlier iteration, or train '
            'with a lower rate.'
        )
