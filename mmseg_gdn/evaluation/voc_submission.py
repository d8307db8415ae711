"""Predictions as an archive for the VOC server."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from mmseg.registry import METRICS
from PIL import Image

from mmseg_gdn.utils import InputError, atomic_write

from .voc_palette import voc_palette

NUM_CLASSES = 21
_SUFFIXES = ('.tar.gz', '.tgz')


def submission_folder(competition: str) -> str:
    """Folder of the predictions inside the archive, as VOC's development kit wants it."""
    return f'results/VOC2012/Segmentation/{competition}_test_cls'


@METRICS.register_module()
class VOCSubmission(BaseMetric):
    """Writes every prediction as a palette PNG of its image's size and packs them for the VOC server.

    Takes the place of a metric in ``test_evaluator`` and needs no annotations.

    Args:
        out: The archive, ``.tar.gz`` or ``.tgz``.
        competition: ``'comp6'`` (any training data) or ``'comp5'`` (VOC's trainval only).
        collect_device: As in mmengine.

    Raises:
        InputError: If ``out`` cannot be written or has another suffix, before anything is computed.
    """

    default_prefix = 'voc'

    def __init__(self,
                 out: str,
                 competition: Literal['comp5', 'comp6'] = 'comp6',
                 collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device)
        if competition not in ('comp5', 'comp6'):
            raise InputError(f"The competition is 'comp5' or 'comp6', but got {competition!r}.")
        if not str(out).endswith(_SUFFIXES):
            raise InputError(f'The VOC server takes .tar.gz and .tgz archives; end the name {out} with one of them.')
        self.out = Path(out)
        self.competition = competition
        if is_main_process():
            with atomic_write(self.out.with_name(f'.{self.out.name}.probe')):
                pass
            self.out.with_name(f'.{self.out.name}.probe').unlink()

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Encode the predictions of a batch.

        Args:
            data_batch: Not read.
            data_samples: What the model returns, with ``pred_sem_seg``, ``img_path`` and ``ori_shape``.

        Raises:
            InputError: If a prediction is no map of VOC's classes at the size of its image.
        """
        for sample in data_samples:
            name = Path(sample['img_path']).stem
            mask = sample['pred_sem_seg']['data'].squeeze(0).cpu().numpy()
            _check(name, mask, tuple(sample['ori_shape'][:2]))
            self.results.append((name, encode_mask(mask)))

    def compute_metrics(self, results: list[tuple[str, bytes]]) -> dict[str, float]:
        """Pack the PNGs of all processes; called in the main process only.

        Args:
            results: Names and PNGs of all images.

        Returns:
            Number of images in the archive.
        """
        predictions = dict(results)
        with atomic_write(self.out) as partial, _deterministic_archive(partial) as archive:
            for name in sorted(predictions):
                member = tarfile.TarInfo(f'{submission_folder(self.competition)}/{name}.png')
                member.size = len(predictions[name])
                archive.addfile(member, io.BytesIO(predictions[name]))
        MMLogger.get_current_instance().info(f'{self.out}: {len(predictions)} predictions for {self.competition}, to '
                                             'be checked with tools/check_submission.py')
        return dict(images=len(predictions))


def encode_mask(mask: np.ndarray) -> bytes:
    """Labels as a palette PNG, the way VOC's own masks are stored.

    Args:
        mask: Labels, shape (H, W), values up to 255.

    Returns:
        Content of the PNG file.
    """
    height, width = mask.shape
    image = Image.frombytes('P', (width, height), mask.astype(np.uint8).tobytes())
    image.putpalette(voc_palette().tobytes())
    stream = io.BytesIO()
    image.save(stream, format='PNG')
    return stream.getvalue()


def _check(name: str, mask: np.ndarray, size: tuple[int, int]) -> None:
    if mask.shape != size:
        raise InputError(f'The prediction of {name} is {mask.shape} but its image is {size}; the server wants the '
                         "size of the image, so keep mmseg's postprocessing to ori_shape.")
    if mask.min() < 0 or mask.max() >= NUM_CLASSES:
        raise InputError(f'The prediction of {name} holds the value {mask.max() if mask.min() >= 0 else mask.min()}, '
                         f'but VOC has the classes 0..{NUM_CLASSES - 1}; use a model of {NUM_CLASSES} classes.')


@contextmanager
def _deterministic_archive(path: Path) -> Iterator[tarfile.TarFile]:
    """Equal predictions give equal bytes: gzip would otherwise store the time and the name."""
    with open(path, 'wb') as raw, gzip.GzipFile('', 'wb', fileobj=raw, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode='w') as archive:
        yield archive
