"""Outcomes by config, and the file that stores them between runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from mmseg_gdn.utils import InputError, atomic_write

from .trial import OTHER_KIND, WORKS, Outcome


@dataclass(frozen=True)
class Result:
    """Outcome of one stock config.

    Attributes:
        config: Name of the config, with its family's folder.
        head: Type of its decode head.
        outcome: Outcome of its trial.
    """

    config: str
    head: str
    outcome: Outcome

    @property
    def family(self) -> str:
        """Folder of the config."""
        return self.config.split('/')[0]

    @property
    def status(self) -> str:
        """Status of the outcome."""
        return self.outcome.status

    @property
    def settled(self) -> bool:
        """Whether another trial would not change the outcome."""
        return self.status in (WORKS, OTHER_KIND)


def share(results: Iterable[Result]) -> float:
    """Share of the configs that work among those whose head is of the right kind; 1 if there are none."""
    counts = Counter(result.status for result in results)
    right_kind = sum(counts.values()) - counts[OTHER_KIND]
    return counts[WORKS] / right_kind if right_kind else 1.0


def read_results(path: str | None) -> dict[str, Result]:
    """Outcomes of an earlier run.

    Args:
        path: File of :func:`write_results`; nothing is read if it is not given or does not exist yet.

    Returns:
        Results by config.

    Raises:
        InputError: If the file was not written by :func:`write_results`.
    """
    if not path or not Path(path).is_file():
        return {}
    try:
        entries = json.loads(Path(path).read_text())
        return {entry['config']: Result(**{**entry, 'outcome': Outcome(**entry['outcome'])}) for entry in entries}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f'{path} holds no outcomes of a sweep ({error}); name a new file.') from error


def write_results(path: str | None, results: dict[str, Result]) -> None:
    """Store outcomes.

    Args:
        path: JSON file to write; nothing is written if it is not given.
        results: Results by config.
    """
    if path:
        with atomic_write(path) as partial:
            partial.write_text(json.dumps([asdict(result) for result in results.values()], indent=1) + '\n')
