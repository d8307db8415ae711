"""Which images a test takes, and how it loads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset

from mmseg_gdn.datasets.require_data import dataset_parts, require_data, require_images
from mmseg_gdn.utils import InputError, atomic_write
from mmseg_gdn.utils.ids import archive_names, read_ids
from mmseg_gdn.utils.pipelines import loads_images, loads_masks


def select_images(cfg: Config, path: str) -> None:
    """Test the images of a list instead of those that the config names.

    Args:
        cfg: Config of the test; its test set changes.
        path: List of image names.

    Raises:
        InputError: If the list cannot be used, or if the test set joins several data sets.
    """
    ids = read_ids(path)
    parts = list(dataset_parts(cfg.test_dataloader.dataset))
    if len(parts) > 1:
        raise InputError(
            f'--ids names the images of one data set, but the test set joins {len(parts)} of them; set '
            'test_dataloader.dataset to one of them, or test without --ids.'
        )
    parts[0]['ann_file'] = str(Path(path).resolve())
    require_data(parts[0])
    require_images(parts[0])
    # mmengine would treat blank lines and a byte order mark as names.
    plain = Path(cfg.work_dir, 'ids.txt').resolve()
    with atomic_write(plain) as partial:
        partial.write_text('\n'.join(ids) + '\n', encoding='utf-8')
    parts[0]['ann_file'] = str(plain)


def require_archive_names(dataset: dict) -> None:
    """Make sure that the images of a test get distinct names in an archive for the VOC server.

    Args:
        dataset: Config of the test set. Data sets without a list are left to the archive's writer.

    Raises:
        InputError: If a list cannot be used, or if two images would get the same name.
    """
    lists = [
        Path(part.get('data_root') or '', part['ann_file'])
        for part in dataset_parts(dataset)
        if str(part.get('ann_file', '')).endswith('.txt')
    ]
    archive_names([name for path in lists for name in read_ids(path)], ' and '.join(map(str, lists)))


def require_distinct_names(dataset: BaseDataset) -> None:
    """Make sure that no prediction would be written over another one: they get the names of the images.

    Args:
        dataset: The test set. One that does not tell the paths of its images is left alone.

    Raises:
        InputError: If two images in different folders have the same name.
    """
    if not hasattr(dataset, 'get_data_info'):
        return
    paths: dict[str, str] = {}
    for index in range(len(dataset)):
        path = str(dataset.get_data_info(index).get('img_path', index))
        name = Path(path).stem
        other = paths.setdefault(name, path)
        if other != path:
            raise InputError(
                f'The predictions of {other} and {path} would both be called {name}.png; rename one of '
                'the images, or test them in two runs.'
            )


def require_other_folder(place: str, option: str, dataset: dict) -> None:
    """Make sure that predictions are not written over the images and masks that they are compared with.

    Args:
        place: The folder to write to.
        option: What names it on the command line.
        dataset: Config of the test set.

    Raises:
        InputError: If it is a folder of the data set.
    """
    for part in dataset_parts(dataset):
        for name in (part.get('data_prefix') or {}).values():
            path = Path(part.get('data_root') or '', str(name or ''))
            if name and path.resolve() == Path(place).resolve():
                raise InputError(
                    f'{option} {place} is a folder of the data set, whose files would be replaced; name another folder.'
                )


def set_pipeline(dataset: dict, pipeline: list[dict]) -> None:
    """Give a pipeline to a data set, or to all those that it wraps.

    Args:
        dataset: Config of the data set; changed in place.
        pipeline: The pipeline.
    """
    for part in dataset_parts(dataset):
        part['pipeline'] = pipeline


def drop_annotations(dataset: ConfigDict) -> None:
    """Change a data set's config, possibly of wrappers around others, so that images are loaded without masks.

    Args:
        dataset: Config of the data set; changed in place.
    """
    if 'pipeline' in dataset:
        dataset.pipeline = _without_annotations(dataset.pipeline)
    if 'data_prefix' in dataset:
        dataset.data_prefix.pop('seg_map_path', None)
    for part in _wrapped(dataset):
        drop_annotations(part)


def loading_step(dataset: dict) -> dict:
    """The step of a data set's pipeline that loads images.

    Args:
        dataset: Config of a data set, possibly of wrappers around several.

    Returns:
        Config of the step, with the checked transform that :func:`check_loading` uses; its default if the pipeline has
        none that loads an image from its file.
    """
    steps = [step for part in dataset_parts(dataset) for step in part.get('pipeline', ()) if loads_images(step)]
    return dict(steps[0] if steps else {}, type='LoadCheckedImage')


def _wrapped(dataset: dict) -> list[dict]:
    return [*dataset.get('datasets', []), *([dataset['dataset']] if 'dataset' in dataset else [])]


def _without_annotations(pipeline: Any) -> Any:
    """The pipeline without the steps that load masks, also inside test-time augmentation."""
    if isinstance(pipeline, (list, tuple)):
        return [_without_annotations(step) for step in pipeline if not loads_masks(step)]
    if isinstance(pipeline, dict) and 'transforms' in pipeline:
        alternatives = (_without_annotations(step) for step in pipeline['transforms'])
        return dict(pipeline, transforms=[step for step in alternatives if step])
    return pipeline
