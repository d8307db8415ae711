"""Checked loading and named failures for the data sets of a runner, whichever they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.runner import Runner
from mmseg.registry import TRANSFORMS

from mmseg_gdn.utils.type_names import type_name

_CHECKED = {'LoadImageFromFile': 'LoadCheckedImage', 'LoadAnnotations': 'LoadCheckedAnnotations'}
_LOADERS = ('_train_dataloader', '_val_dataloader', '_test_dataloader')


def check_loading(runner: Runner) -> None:
    """Let all data sets of a runner load images and masks by checked transforms, and name the image when one fails.

    The transforms are :class:`LoadCheckedImage` and :class:`LoadCheckedAnnotations`; a :class:`CheckedVOCDataset` keeps
    its own. The config that the runner has written stays as it is, because mmseg's inferencers look for the names of
    the stock transforms in it.

    Args:
        runner: A runner that has not built its data loaders yet; changed in place.
    """
    for name in _LOADERS:
        loader = getattr(runner, name, None)
        if isinstance(loader, dict) and isinstance(loader.get('dataset'), dict):
            dataset = with_checked_parts(loader['dataset'])
            setattr(runner, name, dict(loader, dataset=dict(type='NamedImages', dataset=dataset)))


def with_checked_loading(steps: Any, checked: Mapping[str, str] = _CHECKED) -> Any:
    """A pipeline with other transforms for loading, also inside test-time augmentation and other wrappers.

    Args:
        steps: Config of the pipeline.
        checked: Name of the transform to use by the name of the stock transform.

    Returns:
        The new config. Masks that need another decoder than Pillow keep the stock transform.
    """
    if isinstance(steps, (list, tuple)):
        return [with_checked_loading(step, checked) for step in steps]
    if not isinstance(steps, dict) or 'type' not in steps:
        return steps
    kind, name = steps['type'], type_name(steps)
    inner = {'transforms': with_checked_loading(steps['transforms'], checked)} if 'transforms' in steps else {}
    if name == 'LoadAnnotations' and steps.get('imdecode_backend', 'pillow') != 'pillow':
        return dict(steps)
    # A class of one's own may have the name of a stock one.
    is_stock = isinstance(kind, str) or kind is TRANSFORMS.get(name)
    return dict(steps, type=checked.get(name, kind) if is_stock else kind, **inner)


def with_checked_parts(dataset: Any) -> Any:
    """A data set's config with checked loading in its own pipeline and in those of the data sets that it wraps.

    Args:
        dataset: The config; a :class:`CheckedVOCDataset` stays as it is.

    Returns:
        The new config.
    """
    if isinstance(dataset, (list, tuple)):
        return [with_checked_parts(part) for part in dataset]
    if not isinstance(dataset, dict) or type_name(dataset) == 'CheckedVOCDataset':
        return dataset
    changed = {key: with_checked_parts(dataset[key]) for key in ('dataset', 'datasets') if key in dataset}
    if 'pipeline' in dataset:
        changed['pipeline'] = with_checked_loading(dataset['pipeline'])
    return dict(dataset, **changed)
