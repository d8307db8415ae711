"""Archives for the VOC server: the only place that writes them."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_gdn.utils import InputError

from .voc_palette import voc_palette

NUM_CLASSES = 21
COMPETITIONS = ('comp5', 'comp6')
_SUFFIXES = ('.tar.gz', '.tgz')


def submission_folder(competition: str) -> str:
    """Folder of the predictions inside the archive, as in VOC's development kit."""
    return f'results/VOC2012/Segmentation/{competition}_test_cls'


def require_archive_name(path: str | Path) -> None:
    """Make sure that the VOC server accepts the name of an archive.

    Raises:
        InputError: If the name has another suffix.
    """
    if not str(path).endswith(_SUFFIXES):
        raise InputError(f'The VOC server accepts .tar.gz and .tgz archives; {path} must end with one of them.')


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


def write_archive(path: str | Path, predictions: Mapping[str, bytes], competition: str) -> None:
    """Pack predictions. Equal predictions give identical archives.

    Args:
        path: The archive; overwritten.
        predictions: Palette PNGs from :func:`encode_mask`, by image name.
        competition: ``'comp5'`` or ``'comp6'``.
    """
    with _reproducible_archive(Path(path)) as archive:
        for name in sorted(predictions):
            member = tarfile.TarInfo(f'{submission_folder(competition)}/{name}.png')
            member.size = len(predictions[name])
            archive.addfile(member, io.BytesIO(predictions[name]))


@contextmanager
def _reproducible_archive(path: Path) -> Iterator[tarfile.TarFile]:
    """An archive without the time and the file name that gzip would store."""
    with open(path, 'wb') as raw, gzip.GzipFile('', 'wb', fileobj=raw, mtime=0) as packed, \
            tarfile.open(fileobj=packed, mode='w') as archive:
        yield archive
