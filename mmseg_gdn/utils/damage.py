"""Damage that decoders pass over: pictures that are cut off, and JPEGs whose compressed data make no sense."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_JPEG, _PNG = b'\xff\xd8\xff', b'\x89PNG'
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b'\xff\xd9'  # within a scan, 0 follows each byte 255
# What libjpeg prints when it goes on with grey or shifted blocks.
_COMPLAINT = re.compile(r'^(Corrupt JPEG data|Premature end of JPEG|Inconsistent progression).*$', re.MULTILINE)
# Some cameras fill up the data with zeros before the end.
_PADDING = re.compile(r'(\d+) extraneous bytes before marker 0xd9')
_LARGEST_PIPE = 2**16  # bytes
_LOCK = threading.Lock()
# A process forked by another thread would keep the redirected standard error.
os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


def is_cut_off(content: bytes) -> bool:
    """Whether the end of a JPEG or PNG is missing, which some versions of OpenCV fill up without a word.

    Args:
        content: What is in the file; other formats pass.
    """
    if content.startswith(_PNG):
        return content.rfind(b'IEND') < 0
    scan = _start_of_scan(content) if content.startswith(_JPEG) else None
    return scan is not None and content.rfind(_END_OF_IMAGE, scan) < 0


def complaint_about(content: bytes) -> str | None:
    """What libjpeg says of a JPEG, for which it is decoded at an eighth of its size.

    Args:
        content: What is in the file; other formats pass.

    Returns:
        Its warning; ``None`` if it has none.
    """
    if not content.startswith(_JPEG):
        return None
    import cv2  # here, because operators use this package and do not need it

    with complaints() as found:
        try:
            cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
        except cv2.error:
            return None  # more pixels than OpenCV allows
    return found[0] if found and not is_about_padding(found, content) else None


def is_about_padding(found: list[str], content: bytes) -> bool:
    """Whether libjpeg complains only of zeros before the end of a JPEG, which change no pixel.

    Args:
        found: Its warnings.
        content: What is in the file.
    """
    match = _PADDING.search(found[0]) if len(found) == 1 else None
    end = content.rfind(_END_OF_IMAGE)
    return match is not None and not any(content[end - int(match[1]) : end])


@contextmanager
def complaints() -> Iterator[list[str]]:
    """Collect what libjpeg prints of damaged JPEGs in the block; all else still goes to standard error.

    libjpeg has no other way to tell OpenCV's users.

    Yields:
        The warnings, once the block has ended.
    """
    found: list[str] = []
    with _LOCK:
        try:
            kept = os.dup(2)
        except OSError:  # closed, and then nothing can be collected
            yield found
            return
        reader, writer = os.pipe()
        # Rather lose what does not fit than wait for a reader.
        os.set_blocking(writer, False)
        os.dup2(writer, 2)
        os.close(writer)
        try:
            yield found
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            printed = os.read(reader, _LARGEST_PIPE).decode(errors='replace')
            os.close(reader)
            found.extend(match[0].strip() for match in _COMPLAINT.finditer(printed))
            others = _COMPLAINT.sub('', printed).strip()
            if others:
                os.write(2, f'{others}\n'.encode())


def _start_of_scan(content: bytes) -> int | None:
    """Where the compressed data begin; pictures within the header, such as thumbnails, have ends of their own."""
    position = 2
    while content[position : position + 1] == b'\xff' and position + 4 <= len(content):
        marker = content[position + 1]
        if marker == 0xFF:  # padding
            position += 1
            continue
        if marker == _START_OF_SCAN:
            return position
        position += 2 + int.from_bytes(content[position + 2 : position + 4], 'big')
    return None
