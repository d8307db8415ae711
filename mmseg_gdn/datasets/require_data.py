"""Stop before a model is built if the VOC data set is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.ids import read_ids

_VOC_TYPES = ('PascalVOCDataset', 'CheckedVOCDataset')
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


def require_voc(dataset: dict) -> None:
    """Check that the files named by the config of a VOC data set exist.

    Args:
        dataset: Config of a data set, possibly of wrappers such as ``ConcatDataset`` around several.

    Raises:
        InputError: If a list or a folder is missing; the message says which, and how to get the data.
    """
    missing = list(dict.fromkeys(path for part in _voc_parts(dataset) for path in _missing(part)))
    if missing:
        looked = '\n'.join(f'  {path}' for path in missing)
        raise InputError(f'The VOC 2012 data set is incomplete; missing (relative to {Path.cwd()}):\n'
                         f'{looked}\n{_GET_VOC}')


def require_images(dataset: dict) -> None:
    """Check that the images in the lists of a VOC data set exist.

    Args:
        dataset: Config of a data set, possibly of wrappers such as ``ConcatDataset`` around several.

    Raises:
        InputError: If a list cannot be read, or if images are missing; the message names the first of them.
    """
    for part in _voc_parts(dataset):
        root = Path(part.get('data_root') or '')
        ids, folder = root / part['ann_file'], root / part.get('data_prefix', {}).get('img_path', '')
        names = [f'{name}{part.get("img_suffix", ".jpg")}' for name in read_ids(ids)]
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise InputError(f'{len(missing)} of the {len(names)} images that {ids} names are not in {folder}, the '
                             f'first of them {missing[0]}; {_GET_IMAGES}')


def _voc_parts(dataset: Any) -> Iterator[dict]:
    if isinstance(dataset, (list, tuple)):
        for part in dataset:
            yield from _voc_parts(part)
    elif isinstance(dataset, dict) and dataset.get('type') in _VOC_TYPES:
        yield dataset
    elif isinstance(dataset, dict):
        yield from _voc_parts(dataset.get('datasets', dataset.get('dataset')))


def _missing(dataset: dict) -> Iterator[Path]:
    root = Path(dataset.get('data_root') or '')
    folders = dataset.get('data_prefix', {}).values()
    for name in (dataset['ann_file'], *folders):
        if name is not None and not (root / name).exists():
            yield root / name
