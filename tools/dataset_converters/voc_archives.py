"""Unpacking what is needed of VOC's and SBD's archives."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path, PurePosixPath

from mmseg_gdn.utils import InputError, atomic_write
from mmseg_gdn.utils.progress import byte_progress


def unpack(archive: Path, folder: Path, parts: dict[str, str]) -> int:
    """Unpack files of a tar archive; those that are there in the right size stay, so this goes on after a break.

    Args:
        archive: The archive, compressed or not.
        folder: Where to.
        parts: Files and folders to take, and their places in ``folder``.

    Returns:
        How many files of the archive are now in the folder.

    Raises:
        InputError: If the archive is damaged or lacks one of the parts, or if a file cannot be written.
    """
    found: dict[str, int] = dict.fromkeys(parts, 0)
    try:
        size = archive.stat().st_size
        with archive.open('rb') as file, tarfile.open(fileobj=file) as tar, byte_progress(size) as show:
            for member in tar:
                part = next((part for part in parts if _is_in(member.name, part)), None)
                if part is None or not member.isfile():
                    continue
                place = folder / parts[part] / PurePosixPath(member.name).relative_to(part)
                if not place.is_file() or place.stat().st_size != member.size:
                    with atomic_write(place) as partial:
                        partial.write_bytes(tar.extractfile(member).read())
                found[part] += 1
                show(file.tell())
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise InputError(
            f'{archive} could not be unpacked to {folder} ({error}); make room if the disk is full, else '
            'delete the archive and run this again.'
        ) from error
    missing = [part for part, count in found.items() if not count]
    if missing:
        raise InputError(f'{archive} has no {missing[0]}, so it is another archive; delete it and run this again.')
    return sum(found.values())


def _is_in(name: str, part: str) -> bool:
    path = PurePosixPath(name)
    return '..' not in path.parts and (path == PurePosixPath(part) or PurePosixPath(part) in path.parents)
