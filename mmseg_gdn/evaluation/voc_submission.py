"""Predictions as an archive for the VOC server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmseg.datasets import PascalVOCDataset
from mmseg.registry import METRICS

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.ids import archive_names
from mmseg_gdn.utils.places import require_file_place

from .voc_archive import COMPETITIONS, encode_mask, require_archive_name, write_archive
from .voc_palette import NUM_CLASSES

_VOC_CLASSES = PascalVOCDataset.METAINFO['classes']


@METRICS.register_module()
class VOCSubmission(BaseMetric):
    """Writes every prediction as a palette PNG of its image's size, and packs them for the VOC server.

    Use it as ``test_evaluator``. It needs no annotations. Where the data set has VOC's classes in another order, the
    archive gets VOC's numbers.

    Args:
        out: The archive, ``.tar.gz`` or ``.tgz``.
        competition: ``'comp6'`` (any training data) or ``'comp5'`` (VOC's trainval only).
        collect_device: See mmengine's ``BaseMetric``.

    Raises:
        InputError: If ``out`` cannot be written or has another suffix, before anything is computed.
    """

    default_prefix = 'voc'

    def __init__(self, out: str, competition: Literal['comp5', 'comp6'] = 'comp6', collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device)
        if competition not in COMPETITIONS:
            raise InputError(f"competition must be 'comp5' or 'comp6', but got {competition!r}.")
        require_archive_name(out)
        self.out = Path(out)
        self.competition = competition
        self._voc_numbers = np.arange(NUM_CLASSES, dtype=np.uint8)
        self._paths: dict[str, str] = {}
        if is_main_process():
            require_file_place(self.out, 'the archive', '--submission')

    @BaseMetric.dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict | None) -> None:
        """Meta data of the data set, which the loop sets before it starts.

        Raises:
            InputError: If the data set does not have VOC's classes.
        """
        if dataset_meta is not None:
            self._voc_numbers = _voc_numbers(dataset_meta.get('classes') or ())
        self._dataset_meta = dataset_meta

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Encode the predictions of a batch.

        Args:
            data_batch: Not used.
            data_samples: Predictions of the model, with ``pred_sem_seg``, ``img_path`` and ``ori_shape``.

        Raises:
            InputError: If a prediction is not a map of VOC's classes with the size of its image, or if two images would
                get the same name in the archive.
        """
        for sample in data_samples:
            path = str(sample['img_path'])
            name = self._name(path)
            mask = sample['pred_sem_seg']['data'].squeeze(0).cpu().numpy()
            _check(name, mask, tuple(sample['ori_shape'][:2]))
            self.results.append((path, encode_mask(self._voc_numbers[mask])))

    def compute_metrics(self, results: list[tuple[str, bytes]]) -> dict[str, float]:
        """Pack the PNGs of all processes; called in the main process only.

        Args:
            results: Paths of all images, and their PNGs.

        Returns:
            Number of images in the archive.

        Raises:
            InputError: If two images would get the same name, or if the archive cannot be written.
        """
        predictions = {self._name(path): png for path, png in results}
        write_archive(self.out, predictions, self.competition)
        MMLogger.get_current_instance().info(
            f'{self.out}: {len(predictions)} predictions for {self.competition}, to '
            'be checked with tools/check_submission.py'
        )
        return dict(images=len(predictions))

    def _name(self, path: str) -> str:
        name = Path(path).stem
        archive_names([name], f'The folder {Path(path).parent}')
        other = self._paths.setdefault(name, path)
        if other != path:
            raise InputError(
                f'The predictions of {other} and {path} would both be called {name}.png in the archive; '
                'rename one of the images, or test them in two runs.'
            )
        return name


def require_voc_classes(count: int, owner: str) -> None:
    """Make sure that a number of classes is VOC's.

    Args:
        count: Number of classes, background included.
        owner: What has them, such as ``'model'``; for the message.

    Raises:
        InputError: If there are more or fewer.
    """
    if count != NUM_CLASSES:
        raise InputError(
            f'The {owner} has {count} classes, but a VOC submission needs the {NUM_CLASSES} of VOC '
            '(background and 20 objects); use a config and a checkpoint for VOC.'
        )


def _voc_numbers(classes: Sequence[str]) -> np.ndarray:
    """VOC's number for each class of a data set."""
    require_voc_classes(len(classes), 'data set')
    unknown = sorted(set(classes) - set(_VOC_CLASSES))
    missing = [name for name in _VOC_CLASSES if name not in classes]
    if missing:
        others = f' but {", ".join(map(repr, unknown[:3]))}' if unknown else ''
        raise InputError(
            f'The data set has no class {missing[0]!r}{others}, so its class numbers cannot be brought to '
            'those of VOC; name the classes in metainfo as VOC does, or use a config for VOC.'
        )
    return np.array([_VOC_CLASSES.index(name) for name in classes], np.uint8)


def _check(name: str, mask: np.ndarray, size: tuple[int, int]) -> None:
    if mask.shape != size:
        raise InputError(
            f'The prediction for {name} is {mask.shape}, but its image is {size}; the server needs the '
            "size of the image, so keep mmseg's postprocessing to ori_shape."
        )
    if mask.min() < 0 or mask.max() >= NUM_CLASSES:
        raise InputError(
            f'The prediction for {name} holds the value {mask.max() if mask.min() >= 0 else mask.min()}, '
            f'but VOC has the classes 0..{NUM_CLASSES - 1}; use a model with {NUM_CLASSES} classes.'
        )
