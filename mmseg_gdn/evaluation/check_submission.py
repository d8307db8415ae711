"""Would the VOC server accept an archive? An offline check."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.ids import archive_names
from mmseg_gdn.utils.regular import other_kind

from .voc_archive import COMPETITIONS, submission_folder
from .voc_palette import NUM_CLASSES, voc_palette

_MEMBER = re.compile(r'results/VOC2012/Segmentation/(comp[56])_test_cls/([^/]+)\.png')
# Above what an archive of VOC's 1456 masks of at most 500x500 px needs; they bound the memory and time that a malicious
# one can take.
_LARGEST_MEMBER = 2**23  # bytes
_LARGEST_ARCHIVE = 2**29  # bytes when expanded
_MOST_MEMBERS = 5000
_MOST_PIXELS = 2**22  # of one mask
_MOST_PIXELS_IN_ALL = 2**29
_LONGEST_NAME = 200  # characters shown


def check_submission(
    archive: str | Path, ids: list[str] | None = None, images: str | Path | None = None
) -> tuple[int, list[str]]:
    """Look for everything that the server would refuse or score as zero.

    Args:
        archive: A ``.tar.gz`` or ``.tgz``.
        ids: Names of the images that must be in the archive, and no others.
        images: Folder of the images (``JPEGImages``), to compare sizes with.

    Returns:
        Number of predictions found, and one line per defect.

    Raises:
        InputError: If the archive is missing, incomplete or far too large, if ``images`` is not a folder, or if two of
            the ids would have the same name in an archive.
    """
    if images is not None and not Path(images).is_dir():
        raise InputError(f'There is no folder {images}; name the folder JPEGImages of the test images.')
    images_by_name = {} if ids is None else archive_names(ids, 'the list of images')
    defects: list[str] = []
    pixels = 0
    found: Counter[str] = Counter()
    competitions = set()
    for member, content in _read_members(archive):
        shown = _printable(member.name)
        # tar keeps the "./" of "tar czf a.tgz ./results"; it is unpacked to the same place.
        path = re.sub(r'^(\./+)+', '', member.name)
        match = _MEMBER.fullmatch(path)
        if member.isdir() and _is_parent(path):
            continue
        if match is None or not member.isfile():
            defects.append(f'{shown}: not a prediction at results/VOC2012/Segmentation/comp6_test_cls/<id>.png')
            continue
        competitions.add(match[1])
        found[match[2]] += 1
        photo = None if images is None else Path(images, f'{images_by_name.get(match[2], match[2])}.jpg')
        image = _open_png(content)
        if isinstance(image, str):
            defects.append(f'{shown}: {image}')
            continue
        pixels += image.width * image.height
        if pixels > _MOST_PIXELS_IN_ALL:
            raise InputError(
                f'{archive} has more pixels than the predictions for all of VOC and was not read to its '
                'end; pack only the PNGs of the predictions.'
            )
        defects.extend(f'{shown}: {defect}' for defect in _png_defects(image, photo))
    if len(competitions) > 1:
        defects.append('the archive mixes comp5_test_cls and comp6_test_cls')
    defects.extend(_id_defects(found, None if ids is None else list(images_by_name)))
    return len(found), defects


def _read_members(archive: str | Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Members and, for regular files, their content."""
    # Reading from a pipe may never end.
    if Path(archive).exists() and not Path(archive).is_file():
        raise InputError(f'{archive} is no file; name the .tar.gz archive.')
    try:
        with _BoundedGzip(archive) as stream, tarfile.open(fileobj=stream, mode='r:') as tar:
            for index, member in enumerate(tar):
                if index == _MOST_MEMBERS:
                    raise InputError(f'{archive} has more than {_MOST_MEMBERS} members, so it is not a VOC submission.')
                if member.size > _LARGEST_MEMBER:
                    raise InputError(
                        f'{archive} contains {_printable(member.name)} of {member.size} bytes, which is '
                        'not a prediction for a VOC image; pack only the PNGs of the predictions.'
                    )
                stored = tar.extractfile(member) if member.isfile() else None
                yield member, b'' if stored is None else stored.read()
            _require_end(stream, tar.offset)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f'There is no archive {archive}; write one with tools/test.py --submission.') from error
    # gzip, zlib and tarfile report broken archives by many kinds of exceptions.
    except Exception as error:
        reason = getattr(error, 'strerror', None) or type(error).__name__
        raise InputError(
            f'{archive} cannot be read or is not a complete .tar.gz archive ({reason}); '
            'write it again with tools/test.py --submission.'
        ) from error


class _BoundedGzip(gzip.GzipFile):
    """Bounds the size of reads: tarfile reads headers of any declared length in one piece."""

    def read(self, size: int | None = -1) -> bytes:
        self._require_bounds(-1 if size is None else size, self.tell())
        return super().read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._require_bounds(0, offset)
        return super().seek(offset, whence)

    def _require_bounds(self, size: int, position: int) -> None:
        if not 0 <= size <= _LARGEST_MEMBER or position > _LARGEST_ARCHIVE:
            raise InputError(
                f'{self.name} expands to far more than a VOC submission and was not read to its end; '
                'pack only the PNGs of the predictions.'
            )


def _require_end(stream: gzip.GzipFile, offset: int) -> None:
    """Read what follows the last member, because tarfile takes damage there, or a missing checksum, for the end."""
    stream.seek(offset)
    while block := stream.read(2**16):
        if block.strip(b'\0'):
            raise tarfile.ReadError


def _printable(name: str) -> str:
    """A name on one line, whatever characters it contains."""
    shown = repr(name[:_LONGEST_NAME])[1:-1]
    return shown if len(name) <= _LONGEST_NAME else f'{shown}...'


def _is_parent(folder: str) -> bool:
    return folder in ('', '.') or any(
        f'{submission_folder(competition)}/'.startswith(f'{folder.rstrip("/")}/') for competition in COMPETITIONS
    )


def _open_png(content: bytes) -> Image.Image | str:
    """The image, not yet decoded; or what is wrong with it."""
    try:
        with warnings.catch_warnings():
            # The number of pixels is looked at here.
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=['PNG'])
    # Pillow reports broken files by many kinds of exceptions.
    except Exception as error:
        return f'cannot be read as an image in PNG format ({type(error).__name__})'
    if image.width * image.height > _MOST_PIXELS:
        return f'is {image.width}x{image.height} px, which is not a prediction for a VOC image'
    return image


def _png_defects(image: Image.Image, photo: Path | None) -> Iterator[str]:
    try:
        image.load()
    except Exception as error:
        yield f'cannot be read as an image in PNG format ({type(error).__name__})'
        return
    if image.mode != 'P':
        yield f'is a PNG of mode {image.mode}, but must have a palette (mode P)'
        return
    palette = np.array(image.getpalette('RGB') or ()).reshape(-1, 3)
    _, highest = cast(tuple[int, int], image.getextrema())  # there is one band
    # PNG allows leaving out unused colours.
    if len(palette) <= highest or not np.array_equal(palette, voc_palette()[: len(palette)]):
        yield "its palette is not VOC's colour map"
    if highest >= NUM_CLASSES:
        yield f'holds the value {highest}, but only 0..{NUM_CLASSES - 1} are classes'
    if photo is not None:
        yield from _size_defects(image, photo)


def _size_defects(image: Image.Image, photo: Path) -> Iterator[str]:
    """Compare with the size that the image is stored in: EXIF data turns no image of a data set."""
    shown = _printable(str(photo))
    kind = other_kind(photo)
    if kind is not None:
        yield f'its image {shown} is {kind}, not a file'
        return
    try:
        with Image.open(photo) as original:
            size = original.size
    except FileNotFoundError:
        yield f'there is no image {shown} to compare its size with'
        return
    except Exception as error:
        yield f'its image {shown} cannot be read ({type(error).__name__})'
        return
    if size != image.size:
        yield f'is {image.width}x{image.height} px, but its image is {size[0]}x{size[1]} px'


def _id_defects(found: Counter[str], ids: list[str] | None) -> Iterator[str]:
    for name, count in found.items():
        if count > 1:
            yield f'{_printable(name)}: {count} predictions for one image'
    if not found:
        yield 'the archive holds no prediction'
    if ids is None:
        return
    for name in sorted(set(ids) - set(found)):
        yield f'{name}: no prediction, although the list names it'
    for name in sorted(set(found) - set(ids)):
        yield f'{_printable(name)}: a prediction, although the list does not name it'
