"""Would the VOC server accept an archive? Found out offline."""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_gdn.utils import InputError

from .voc_palette import voc_palette
from .voc_submission import NUM_CLASSES

_MEMBER = re.compile(r'results/VOC2012/Segmentation/(comp[56])_test_cls/([^/]+)\.png')
_LARGEST_PNG = 64 * 2**20  # bytes; a VOC mask takes a few thousand


def check_submission(archive: str | Path,
                     ids: list[str] | None = None,
                     images: str | Path | None = None) -> tuple[int, list[str]]:
    """Look for everything the server would refuse or score as zero.

    Args:
        archive: A ``.tar.gz`` or ``.tgz``.
        ids: Names of the images that must be there, and no others.
        images: Folder of the images (``JPEGImages``), to compare sizes with.

    Returns:
        Number of predictions found, and one line per defect.

    Raises:
        InputError: If the file is missing or is no complete archive.
    """
    defects: list[str] = []
    found: Counter[str] = Counter()
    competitions = set()
    try:
        with tarfile.open(archive, 'r:gz') as tar:
            for member in tar:
                match = _MEMBER.fullmatch(member.name)
                if member.isdir() and _is_parent(member.name):
                    continue
                if match is None or not member.isfile():
                    defects.append(f'{member.name}: not a prediction at '
                                   'results/VOC2012/Segmentation/comp6_test_cls/<id>.png')
                    continue
                competitions.add(match[1])
                found[match[2]] += 1
                defects.extend(f'{member.name}: {defect}' for defect in _png_defects(tar, member, images, match[2]))
    except FileNotFoundError as error:
        raise InputError(f'There is no archive {archive}; write one with tools/test.py --submission.') from error
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise InputError(f'{archive} is no complete .tar.gz archive ({type(error).__name__}); '
                         'write it anew with tools/test.py --submission.') from error
    if len(competitions) > 1:
        defects.append('the archive mixes comp5_test_cls and comp6_test_cls')
    defects.extend(_id_defects(found, ids))
    return len(found), defects


def _is_parent(name: str) -> bool:
    return any(f'results/VOC2012/Segmentation/{competition}_test_cls/'.startswith(f'{name.rstrip("/")}/')
               for competition in ('comp5', 'comp6'))


def _png_defects(tar: tarfile.TarFile, member: tarfile.TarInfo, images: str | Path | None,
                 name: str) -> Iterator[str]:
    if member.size > _LARGEST_PNG:
        yield f'{member.size} bytes are no prediction of a VOC image'
        return
    try:
        image = Image.open(io.BytesIO(tar.extractfile(member).read()))
        image.load()
    # Pillow reports broken files by many kinds of exceptions.
    except Exception as error:
        yield f'cannot be read as an image ({type(error).__name__})'
        return
    if image.format != 'PNG' or image.mode != 'P':
        yield f'is a {image.format} of mode {image.mode}, but has to be a palette PNG (mode P)'
        return
    palette = np.array(image.getpalette('RGB')).reshape(-1, 3)
    if not np.array_equal(palette, voc_palette()[:len(palette)]):
        yield "its palette is not VOC's colour map"
    values = np.unique(np.asarray(image))
    if values.max() >= NUM_CLASSES:
        yield f'holds the value {values.max()}, but only 0..{NUM_CLASSES - 1} are classes'
    if images is not None:
        yield from _size_defects(image, Path(images) / f'{name}.jpg')


def _size_defects(image: Image.Image, photo: Path) -> Iterator[str]:
    if not photo.is_file():
        yield f'there is no image {photo} to compare its size with'
        return
    with Image.open(photo) as original:
        if original.size != image.size:
            yield (f'is {image.size[0]}x{image.size[1]} px, but its image is '
                   f'{original.size[0]}x{original.size[1]} px')


def _id_defects(found: Counter[str], ids: list[str] | None) -> Iterator[str]:
    for name, count in found.items():
        if count > 1:
            yield f'{name}: {count} predictions for one image'
    if not found:
        yield 'the archive holds no prediction'
    if ids is None:
        return
    for name in sorted(set(ids) - set(found)):
        yield f'{name}: no prediction, although the list names it'
    for name in sorted(set(found) - set(ids)):
        yield f'{name}: a prediction, although the list does not name it'
