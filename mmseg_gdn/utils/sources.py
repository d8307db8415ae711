"""The table of files to download: addresses and hashes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from .errors import InputError


@dataclass(frozen=True)
class Source:
    """A file to download.

    Attributes:
        name: Its name in the table, by which ``--mirror`` reaches it.
        what: What it holds.
        url: Its address.
        page: The web page that offers it.
        file: Its file name.
        megabytes: Its approximate size.
        hash: Algorithm and digest, such as 'md5:6cd6...'; ``None`` if no hash is known.
        note: A remark for readers of the table.
        input: For weights that were not trained on BGR pixels of 0..255: ``order``, 'RGB' or 'BGR', and ``scale``, the
            factor between those pixels and theirs, one number or one per channel.
    """

    name: str
    what: str
    url: str
    page: str
    file: str
    megabytes: int
    hash: str | None
    note: str = ''
    input: dict = field(default_factory=dict)


def read_sources(table: Path, mirrors: Sequence[str] = ()) -> dict[str, Source]:
    """Read the table.

    Args:
        table: JSON file, an object of sources by name.
        mirrors: Other addresses, each as 'NAME=URL'. The hashes stay the same.

    Returns:
        Sources by name.

    Raises:
        InputError: If a mirror is not of this form or for an unknown name.
    """
    sources = {name: Source(name=name, **entry) for name, entry in json.loads(table.read_text()).items()}
    for mirror in mirrors:
        name, _, url = mirror.partition('=')
        if name not in sources or not _is_web_address(url):
            raise InputError(
                f'--mirror {mirror} is not of the form NAME=URL, with an http or https URL and one of the '
                f'names {", ".join(sources)}.'
            )
        sources[name] = replace(sources[name], url=url)
    return sources


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ('http', 'https') and bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as an unfinished IPv6 address, or a port beyond 65535
        return False
