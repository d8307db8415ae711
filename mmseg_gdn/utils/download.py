"""Downloads that resume and are verified.

``torch.hub.download_url_to_file`` and torchvision's ``download_url`` start from the beginning after a break, and
neither knows SHA-1, with which the Caffe models are published.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from .errors import InputError
from .progress import byte_progress
from .sources import Source

_BLOCK = 2**20
_TIMEOUT = 60
# Seconds to wait before each new attempt while attempts bring nothing. If the very first one does, it is the only one.
_PAUSES = (1, 5, 15, 60)


def download(source: Source, folder: Path) -> Path:
    """Download a file, unless it is there, and verify its hash.

    What has arrived is kept in ``<file>.partial``, from which the next call goes on. Without a known hash nothing would
    show that two parts do not belong together, so each call starts such a file from the beginning.

    Args:
        source: The file.
        folder: Where to put it.

    Returns:
        Its path.

    Raises:
        InputError: If the server cannot be reached, does not have the file, or sends another one, or if the file
            cannot be written; the message names the way by hand.
    """
    target = folder / source.file
    if target.is_file():
        _verify(target, source, f'delete it and run this again, or {_by_hand(source, folder)}')
        return target
    partial = partial_path(source, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if source.hash is None:
            partial.unlink(missing_ok=True)
        partial.touch()
    except OSError as error:
        raise _cannot_write(partial, error) from error
    _fetch(source, partial)
    try:
        _verify(partial, source, f'it was deleted; run this again, or {_by_hand(source, folder)}')
    except InputError:
        partial.unlink()
        raise
    partial.replace(target)
    return target


def partial_path(source: Source, folder: Path) -> Path:
    """Where an unfinished download is kept."""
    return folder / f'{source.file}.partial'


def remaining_bytes(source: Source, folder: Path) -> int:
    """About how many bytes are still to be downloaded."""
    if (folder / source.file).is_file():
        return 0
    partial = partial_path(source, folder)
    done = partial.stat().st_size if partial.is_file() and source.hash is not None else 0
    return max(source.megabytes * 10**6 - done, 0)


def _fetch(source: Source, partial: Path) -> None:
    """Fill the partial file; attempts are repeated as long as they make progress."""
    most = partial.stat().st_size
    pauses: Iterator[int] = iter(())
    while True:
        try:
            if _receive(source, partial):
                return
            reason = 'the connection broke off'
        except HTTPError as error:
            reason = f'the answer was {error.code} {error.reason}'
        except (OSError, HTTPException) as error:
            reason = str(getattr(error, 'reason', None) or error) or type(error).__name__
        size = partial.stat().st_size
        if size > most:
            most, pauses = size, iter(_PAUSES)
        pause = next(pauses, None)
        if pause is None:
            kept = f' What has arrived ({size / 1e6:.0f} MB) is kept, and running this again goes on from there.'
            raise InputError(
                f'{source.file} could not be downloaded from {source.url} ({reason}); '
                f'{_by_hand(source, partial.parent)}{kept if size and source.hash else ""}'
            )
        time.sleep(pause)


def _receive(source: Source, partial: Path) -> bool:
    """One attempt; returns whether the file is complete as far as the server tells."""
    start = partial.stat().st_size
    request = Request(source.url, headers={'User-Agent': 'mmseg-gdn'})
    if start:
        request.add_header('Range', f'bytes={start}-')
    try:
        response = urlopen(request, timeout=_TIMEOUT)
    except HTTPError as error:
        # Nothing lies beyond what we have. Whether it is the right file is seen by its hash.
        if error.code == 416 and start:
            return True
        raise
    with response:
        if response.status != 206:
            start = 0
        elif not response.headers.get('Content-Range', '').startswith(f'bytes {start}-'):
            raise URLError('the server sent another part of the file than asked for')
        length = response.headers.get('Content-Length')
        total = None if length is None else start + int(length)
        print(
            f'{"Resuming" if start else "Downloading"} {source.file} from {urlsplit(source.url).netloc}, '
            f'{_megabytes(start)} of {_megabytes(total)} MB done',
            file=sys.stderr,
        )
        _append(response, partial, start, total)
    return total is None or partial.stat().st_size == total


def _append(response: HTTPResponse, partial: Path, start: int, total: int | None) -> None:
    if start == 0:
        _write(partial, b'', 'wb')
    with byte_progress(None if total is None else total - start) as show:
        done = 0
        while block := response.read(_BLOCK):
            _write(partial, block, 'ab')
            done += len(block)
            show(done)


def _write(path: Path, block: bytes, mode: str) -> None:
    try:
        with path.open(mode) as file:
            file.write(block)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _verify(path: Path, source: Source, remedy: str) -> None:
    if source.hash is None:
        print(f'warning: no hash of {source.file} is known; it is used without verification', file=sys.stderr)
        return
    algorithm, _, expected = source.hash.partition(':')
    digest = hashlib.new(algorithm)
    with path.open('rb') as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != expected:
        raise InputError(
            f'{path} has the {algorithm.upper()} {digest.hexdigest()} instead of {expected}, so it is '
            f'damaged or another file; {remedy}'
        )


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(f'Cannot write {path} ({error.strerror}); make room, or choose a folder you may write to.')


def _by_hand(source: Source, folder: Path) -> str:
    return (
        f'get it by hand from {source.page}, put it into {folder} and run this again, or name another address with '
        f'--mirror {source.name}=URL.'
    )


def _megabytes(size: int | None) -> str:
    return 'an unknown number of' if size is None else f'{size / 1e6:.0f}'
