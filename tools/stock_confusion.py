"""mmseg's picture of a confusion matrix, of counts that are right."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_gdn.datasets.require_data import require_data
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.cli import read_config
from mmseg_gdn.utils.masks import read_mask


def draw_confusion_matrix(script: str) -> None:
    """Draw the picture, with the command line of the stock tool.

    Args:
        script: Path of mmseg's ``confusion_matrix.py``, whose options and drawing are used.

    Raises:
        InputError: If the data or predictions are not there, or if they do not fit.
    """
    tool = runpy.run_path(script)
    args = tool['parse_args']()
    cfg = read_config(args.config, args.cfg_options)
    init_default_scope('mmseg')
    require_data(cfg.test_dataloader.dataset)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    matrix = count_pixels(dataset, args.prediction_path)
    # At mmseg's 300 dpi, the picture of 21 classes has 127 megapixels.
    with matplotlib.rc_context({'savefig.dpi': 75}), np.errstate(invalid='ignore'):
        tool['plot_confusion_matrix'](
            matrix, dataset.metainfo['classes'], args.save_dir, args.show, args.title, args.color_theme
        )
    print(f'picture: {Path(args.save_dir) / "confusion_matrix.png"}')


def count_pixels(dataset: Any, folder: str | Path) -> np.ndarray:
    """Count how often each class is predicted for the pixels of each class.

    mmseg's own function pairs the sorted files of the folder with the images in the order of the data set, whatever
    they are called. It multiplies 8-bit labels, which overflow with 21 classes from label 13 on. And where
    ``reduce_zero_label`` is set, it shifts the masks a second time and the predictions not at all.

    Args:
        dataset: A data set of mmseg with masks.
        folder: Folder with one PNG of class indices per image, as ``tools/test.py --out`` writes it.

    Returns:
        Number of pixels, shape (classes, classes): rows are true classes, columns predicted ones.

    Raises:
        InputError: If a prediction is missing, has another size than the mask, or holds an index that is no class.
    """
    count = len(dataset.metainfo['classes'])
    matrix = np.zeros((count, count), np.int64)
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        label = sample.gt_sem_seg.data.squeeze().numpy().astype(np.int64)
        path = Path(folder) / f'{Path(sample.img_path).stem}.png'
        prediction = _read(path, label.shape, count, dataset.reduce_zero_label)
        valid = label != dataset.ignore_index
        highest = int(label[valid].max(initial=0))
        if highest >= count:
            raise InputError(
                f'The mask of {sample.img_path} holds {highest}, but there are {count} classes; use the config of the '
                'same data.'
            )
        matrix += np.bincount(count * label[valid] + prediction[valid], minlength=count**2).reshape(count, count)
    return matrix


def _read(path: Path, shape: tuple[int, int], count: int, is_shifted: bool) -> np.ndarray:
    remedy = 'write the predictions of this data set with tools/test.py --out'
    if not path.is_file():
        raise InputError(f'There is no prediction {path}; {remedy}.')
    # mmseg stores class 0 as 1 where masks are stored so.
    prediction = read_mask(path).labels.astype(np.int64) - int(bool(is_shifted))
    if prediction.shape != shape:
        raise InputError(f'The prediction {path} has the shape {prediction.shape}, but its mask {shape}; {remedy}.')
    if prediction.min() < 0 or prediction.max() >= count:
        raise InputError(f'The prediction {path} holds a value that is none of the {count} classes; {remedy}.')
    return prediction
