"""Archives for the VOC server: the only place that writes them."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Callable

import numpy as np
from PIL import Image

from mmseg_gdn.utils import InputError, atomic_write
from mmseg_gdn.utils.files import sync
from mmseg_gdn.utils.ids import archive_names

from .voc_palette import voc_palette

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


def write_archive(
    path: str | Path,
    predictions: Mapping[str, bytes],
    competition: str,
    verify: Callable[[Path], None] = lambda partial: None,
) -> None:
    """Pack predictions. Equal predictions give identical archives.

    The archive gets its name when it stands on the disk and has been read back; until then an older one stays.

    Args:
        path: The archive; overwritten.
        predictions: Palette PNGs from :func:`encode_mask`, by image name.
        competition: ``'comp5'`` or ``'comp6'``.
        verify: Gets the path of the complete archive before it takes the place of an older one; may raise.

    Raises:
        InputError: If the archive cannot be written, or if a name would leave its folder or has a folder of its own.
    """
    content = _pack(predictions, competition)
    with atomic_write(path) as partial:
        partial.write_bytes(content)
        # Some file systems find out only now that they are full.
        sync(partial)
        if partial.read_bytes() != content:
            raise InputError(
                f'The archive {path} cannot be written, because what was read back differs from what was '
                'written; name a place on another disk, and run this again.'
            )
        verify(partial)


def _pack(predictions: Mapping[str, bytes], competition: str) -> bytes:
    names = archive_names(predictions, 'the list of predictions')
    stream = io.BytesIO()
    # Neither the time nor the file name, both of which gzip would store.
    with gzip.GzipFile('', 'wb', fileobj=stream, mtime=0) as packed, tarfile.open(fileobj=packed, mode='w') as archive:
        for name in sorted(names):
            content = predictions[names[name]]
            member = tarfile.TarInfo(f'{submission_folder(competition)}/{name}.png')
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
