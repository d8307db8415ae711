"""What the pipelines in a config load."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from .errors import InputError
from .type_names import type_name

_IMAGE_LOADERS = ('LoadImageFromFile', 'LoadCheckedImage', 'LoadVOCImage')


def loads_images(step: Any) -> bool:
    """Whether a step of a pipeline reads an image from its file.

    Args:
        step: Config of the step.
    """
    return type_name(step) in _IMAGE_LOADERS


def loads_masks(step: Any) -> bool:
    """Whether a step of a pipeline reads a mask.

    Args:
        step: Config of the step; one of a user's own is recognised by the end of its name, ``Annotations``.
    """
    return type_name(step).endswith('Annotations')


def find_test_set(cfg: Config, path: str, purpose: str) -> dict:
    """The data set with the pipeline for tests, inside possible wrappers.

    Args:
        cfg: The config.
        path: Where it comes from, for the message.
        purpose: What the pipeline is for, for the message.

    Returns:
        Config of the (first) data set.

    Raises:
        InputError: If the config has none.
    """
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    while 'pipeline' not in dataset and ('dataset' in dataset or 'datasets' in dataset):
        dataset = dataset['dataset'] if 'dataset' in dataset else dataset['datasets'][0]
    if 'pipeline' not in dataset:
        raise InputError(f'{path} has no test_dataloader with a pipeline, {purpose}; add one.')
    return dataset
