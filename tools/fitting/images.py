"""The images on which ``fit_kernels.py`` fits: those of the training set, loaded as in validation."""

from __future__ import annotations

from statistics import median_low

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from mmseg_gdn.datasets.require_data import dataset_parts
from mmseg_gdn.models.variant import Size
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.pipelines import loads_masks
from mmseg_gdn.utils.type_names import type_name

_SAMPLE = 50  # images that are loaded to find the typical size


def fitting_dataset(train: dict, val: dict, flip: bool) -> dict:
    """Config of the training set with the pipeline of validation, but with masks resized like the images.

    In validation, predictions are brought to the size of the masks instead.

    Args:
        train: Config of the training set; wrappers that repeat or mix images are left out.
        val: Config of the validation set.
        flip: Whether to mirror every other image at random.

    Raises:
        InputError: If the pipeline of validation loads no masks.
    """
    pipeline = _masks_first(next(dataset_parts(val))['pipeline'])
    if flip:
        pipeline.insert(len(pipeline) - 1, dict(type='RandomFlip', prob=0.5))
    return _with_pipeline(train, pipeline)


def build_dataset(dataset: dict, what: str) -> BaseDataset:
    """Build a data set whose files may be missing.

    Args:
        dataset: Config of the data set.
        what: Which images these are, for messages.

    Raises:
        InputError: If there are no images.
    """
    try:
        return DATASETS.build(dataset)
    except InputError:
        raise
    # Missing folders, missing lists and folders without images, in this order.
    except (OSError, AssertionError, ValueError) as error:
        raise InputError(
            f'The {what} images of the config cannot be found ({" ".join(str(error).split())}); put the '
            'data where the config expects it, or name its folder by --cfg-options.'
        ) from error


def typical_size(dataset: BaseDataset) -> Size:
    """Median height and median width of some images of a data set, in pixels.

    Args:
        dataset: The data set with its pipeline.
    """
    step = -(-len(dataset) // _SAMPLE)
    sizes = [dataset[index]['inputs'].shape[1:] for index in range(0, len(dataset), step)]
    heights, widths = zip(*sizes)
    return median_low(heights), median_low(widths)


def _masks_first(pipeline: list[dict]) -> list[dict]:
    """The pipeline with masks loaded right after the image, so that they are resized, too."""
    masks = [step for step in pipeline if loads_masks(step)]
    if not masks:
        raise InputError('The pipeline of val_dataloader loads no masks; add LoadAnnotations to it.')
    others = [step for step in pipeline if step not in masks]
    start = next((index for index, step in enumerate(others) if not type_name(step).startswith('Load')), len(others))
    return [*others[:start], *masks, *others[start:]]


def _with_pipeline(dataset: dict, pipeline: list[dict]) -> dict:
    if 'datasets' in dataset:
        return dict(dataset, datasets=[_with_pipeline(part, pipeline) for part in dataset['datasets']])
    if 'dataset' in dataset:
        return _with_pipeline(dataset['dataset'], pipeline)
    return dict(dataset, pipeline=pipeline)
