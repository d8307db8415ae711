"""Stop before a model is built if a data set is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine import list_from_file

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.ids import hint_at_column, read_ids
from mmseg_gdn.utils.type_names import type_name

_VOC_TYPES = ('PascalVOCDataset', 'CheckedVOCDataset')
_OWN_CHECK = (*_VOC_TYPES, 'CamVidDataset')
_GET_VOC = """To get VOC 2012 and SBD's masks (3.4 GB of downloads) and check them:
  python tools/dataset_converters/get_voc.py --data-root data/VOCdevkit
By hand: put VOCtrainval_11-May-2012.tar and benchmark.tgz (SBD) into data/downloads and run the same.
To check what is there:
  python tools/dataset_converters/check_voc.py --data-root data/VOCdevkit/VOC2012
Data elsewhere: link it (ln -s /elsewhere/VOCdevkit data/VOCdevkit).
Without any download: make demo"""
_GET_IMAGES = """unpack the archive that holds them, or test with another list.
The images of VOC's test set come in a separate archive, which the challenge's server provides after registration;
unpack it beside the others, so that its JPEGImages go to the same folder."""


def require_data(dataset: dict) -> None:
    """Check that the files and folders named by the config of a data set exist.

    Args:
        dataset: Config of a data set, possibly of wrappers such as ``ConcatDataset`` around several.

    Raises:
        InputError: If a list or a folder is missing, for VOC with the ways to get the data, or if a list cannot be
            used.
    """
    missing = list(dict.fromkeys(path for part in _voc_parts(dataset) for path in _missing(part)))
    if missing:
        looked = '\n'.join(f'  {path}' for path in missing)
        raise InputError(
            f'The VOC 2012 data set is incomplete; missing (relative to {Path.cwd()}):\n{looked}\n{_GET_VOC}'
        )
    for part in dataset_parts(dataset):
        _require_folders(part)
        _require_list(part)


def require_images(dataset: dict) -> None:
    """Check that the images in the lists of a VOC data set exist.

    Args:
        dataset: Config of a data set, possibly of wrappers such as ``ConcatDataset`` around several.

    Raises:
        InputError: If a list cannot be read, or if images are missing; the message names the first of them.
    """
    for part in _voc_parts(dataset):
        root = Path(part.get('data_root') or '')
        ids, folder = root / _list_name(part), root / (part.get('data_prefix') or {}).get('img_path', '')
        names = [f'{name}{part.get("img_suffix", ".jpg")}' for name in read_ids(ids)]
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise InputError(
                f'{len(missing)} of the {len(names)} images that {ids} names are not in {folder}, the '
                f'first of them {missing[0]}{hint_at_column(Path(missing[0]).stem)}; {_GET_IMAGES}'
            )


def dataset_parts(dataset: Any) -> Iterator[dict]:
    """The configs of single data sets inside wrappers.

    Args:
        dataset: Config of a data set, possibly of wrappers such as ``ConcatDataset`` around several.

    Yields:
        The config of each.
    """
    if isinstance(dataset, (list, tuple)):
        for part in dataset:
            yield from dataset_parts(part)
    elif isinstance(dataset, dict) and ('datasets' in dataset or 'dataset' in dataset):
        yield from dataset_parts(dataset.get('datasets', dataset.get('dataset')))
    elif isinstance(dataset, dict):
        yield dataset


def _voc_parts(dataset: Any) -> Iterator[dict]:
    return (part for part in dataset_parts(dataset) if type_name(part) in _VOC_TYPES)


def _require_folders(dataset: dict) -> None:
    """Check what mmseg's own data sets, and others of their kind, read without looking first."""
    if type_name(dataset) in _OWN_CHECK or not isinstance(dataset.get('data_prefix'), dict):
        return
    root, test = str(dataset.get('data_root') or ''), dataset.get('test_mode')
    names = [name for key, name in dataset['data_prefix'].items() if name and not (test and key == 'seg_map_path')]
    for path in (os.path.join(root, str(name)) for name in (*names, dataset.get('ann_file') or '')):
        if '://' not in path and not Path(path).exists():
            raise InputError(
                f'{dataset.get("type")} of the config reads {path}, which does not exist (relative to '
                f'{Path.cwd()}); put the data there or link it (ln -s), or set data_root of the data set.'
            )


def _require_list(dataset: dict) -> None:
    """Check the list of a data set, which mmseg's own data sets read line by line, blank ones included."""
    path = Path(dataset.get('data_root') or '', dataset.get('ann_file') or '')
    # Where images have no common suffix, the lists have it.
    if path.suffix != '.txt' or dataset.get('img_suffix') == '' or not path.exists():
        return
    ids = read_ids(path)
    if type_name(dataset) != 'CheckedVOCDataset' and [line.strip() for line in list_from_file(str(path))] != ids:
        raise InputError(
            f'The list {path} has blank lines or a byte order mark, which {dataset.get("type")} takes for '
            'names; remove them.'
        )


def _missing(dataset: dict) -> Iterator[Path]:
    root = Path(dataset.get('data_root') or '')
    folders = (dataset.get('data_prefix') or {}).values()
    for name in (_list_name(dataset), *folders):
        if name is not None and not (root / name).exists():
            yield root / name


def _list_name(dataset: dict) -> str:
    name = dataset.get('ann_file')
    if not name:
        raise InputError(
            f'{type_name(dataset)} of the config sets no ann_file, which names the list of its images; set it, such as '
            "ann_file='ImageSets/Segmentation/val.txt'."
        )
    return name
