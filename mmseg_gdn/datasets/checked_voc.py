"""mmseg's VOC data set with errors that name the broken file."""

from __future__ import annotations

from typing import Any

from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS

_CHECKED = {'LoadImageFromFile': 'LoadVOCImage', 'LoadAnnotations': 'LoadVOCAnnotations'}


@DATASETS.register_module()
class CheckedVOCDataset(PascalVOCDataset):
    """``PascalVOCDataset`` whose images and masks are loaded by :class:`LoadVOCImage` and :class:`LoadVOCAnnotations`.

    Configs name the stock transforms, because mmseg's inferencers look for these names in the pipeline to replace them.

    Args:
        pipeline: Transforms, with the stock transforms for loading.
        **kwargs: All other arguments of ``PascalVOCDataset``.
    """

    def __init__(self, pipeline: list[dict], **kwargs) -> None:
        super().__init__(pipeline=_checked(pipeline), **kwargs)


def _checked(steps: Any) -> Any:
    """The pipeline with checked loading, also inside test-time augmentation."""
    if isinstance(steps, (list, tuple)):
        return [_checked(step) for step in steps]
    if not isinstance(steps, dict):
        return steps
    inner = {'transforms': _checked(steps['transforms'])} if 'transforms' in steps else {}
    return dict(steps, type=_CHECKED.get(steps['type'], steps['type']), **inner)
