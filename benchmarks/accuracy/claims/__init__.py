"""What the documents say about the results in sentences, and where the numbers come from."""

from __future__ import annotations

from pathlib import Path

from gains import Gains
from prose import Claim

from . import rates, readme, results

_DOCUMENTS = {
    'README.md': readme.claims,
    'docs/results.md': results.claims,
    'benchmarks/accuracy/matrix-rates.md': rates.claims,
}


def claims(document: str, folder: Path) -> list[Claim]:
    """What a document claims.

    Args:
        document: Its path, relative to the root of the repository.
        folder: Folder of the results.

    Returns:
        Its claims in any order; none for documents that hold tables only.

    Raises:
        InputError: If the results lack some that it rests on.
    """
    of = _DOCUMENTS.get(document)
    return of(Gains(folder)) if of else []
