"""Predictions as an archive for the VOC server."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.dist import broadcast_object_list, is_main_process
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
        self._temporary: tempfile.TemporaryDirectory | None = None
        self._folder: Path | None = None
        if is_main_process():
            with atomic_write(self.out.with_name(f'.{self.out.name}.probe')):
                pass
            self.out.with_name(f'.{self.out.name}.probe').unlink()

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Write the predictions of a batch.

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
            write_mask(mask, self._png_folder() / f'{name}.png')
            self.results.append(name)

    def compute_metrics(self, results: list[str]) -> dict[str, float]:
        """Pack the PNGs of all processes; called in the main process only.

        Args:
            results: Names of all images.

        Returns:
            Number of images in the archive.
        """
        names = sorted(set(results))
        root = submission_folder(self.competition)
        with atomic_write(self.out) as partial, tarfile.open(partial, 'w:gz') as archive:
            for name in names:
                archive.add(self._png_folder() / f'{name}.png', f'{root}/{name}.png', filter=_anonymous)
        self._temporary.cleanup()
        self._folder = None
        MMLogger.get_current_instance().info(f'{self.out}: {len(names)} predictions for {self.competition}, to be '
                                             'checked with tools/check_submission.py')
        return dict(images=len(names))

    def _png_folder(self) -> Path:
        """A folder beside the archive that all processes share, made when the first prediction comes."""
        if self._folder is None:
            if is_main_process():
                self._temporary = tempfile.TemporaryDirectory(dir=self.out.parent, prefix='.submission-')
            shared = [self._temporary and self._temporary.name]
            broadcast_object_list(shared)
            self._folder = Path(shared[0])
        return self._folder


def write_mask(mask: np.ndarray, path: Path) -> None:
    """Save labels as a palette PNG, the way VOC's own masks are stored.

    Args:
        mask: Labels, shape (H, W), values up to 255.
        path: File to write.
    """
    image = Image.fromarray(mask.astype(np.uint8)).convert('L')
    image = Image.frombytes('P', image.size, image.tobytes())
    image.putpalette(voc_palette().tobytes())
    image.save(path, format='PNG')


def _check(name: str, mask: np.ndarray, size: tuple[int, int]) -> None:
    if mask.shape != size:
        raise InputError(f'The prediction of {name} is {mask.shape} but its image is {size}; the server wants the '
                         "size of the image, so keep mmseg's postprocessing to ori_shape.")
    if mask.min() < 0 or mask.max() >= NUM_CLASSES:
        raise InputError(f'The prediction of {name} holds the value {mask.max() if mask.min() >= 0 else mask.min()}, '
                         f'but VOC has the classes 0..{NUM_CLASSES - 1}; use a model of {NUM_CLASSES} classes.')


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Archives of equal predictions hold equal members, whoever has made them."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ''
    member.mode = 0o644
    return member
