"""Whether files are as they were: size, time and SHA-256, and whether they can be read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def describe(path: Path, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """What identifies the content of a file.

    Args:
        path: The file.
        known: An earlier description. If size and time are still the same, the content is not read again.

    Returns:
        ``size`` in bytes, ``mtime_ns`` and ``sha256``.
    """
    stat = path.stat()
    described = dict(size=stat.st_size, mtime_ns=stat.st_mtime_ns)
    if known and all(known.get(key) == value for key, value in described.items()):
        return known
    return dict(described, sha256=_sha256(path))


def what_is_wrong(path: Path, known: dict[str, Any]) -> str | None:
    """Why a result cannot be used as it is.

    Args:
        path: The file.
        known: Its description when it was written.

    Returns:
        'is missing', 'has changed' or 'cannot be read'; ``None`` if it is intact.
    """
    if not path.is_file():
        return 'is missing'
    if describe(path, known)['sha256'] != known.get('sha256'):
        return 'has changed'
    return None if is_readable(path) else 'cannot be read'


def is_readable(path: Path) -> bool:
    """Whether a checkpoint can be loaded, or a JSON file parsed; all other files count as readable."""
    import torch  # here, because importing it takes seconds, and --help does not need it

    try:
        if path.suffix == '.pth':
            # Tensors on the meta device are not read.
            torch.load(path, map_location='meta', weights_only=True)
        elif path.suffix == '.json':
            json.loads(path.read_text())
    # torch reports broken files by many kinds of exceptions.
    except Exception:
        return False
    return True


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        for block in iter(lambda: file.read(2**20), b''):
            digest.update(block)
    return digest.hexdigest()
