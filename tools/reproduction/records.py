"""What is known of each step: a small JSON file, written at its start and at its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmseg_gdn.utils import atomic_write

from .files import describe, what_is_wrong
from .step import Step

STARTED, DONE = 'started', 'done'


class Records:
    """The records of all steps.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> dict[str, Any] | None:
        """The record of a step, or ``None`` if it has none that can be read."""
        try:
            record = json.loads((self.folder / f'{name}.json').read_text())
        except (OSError, ValueError):
            return None
        return record if _is_sound(record) else None

    def write(self, name: str, record: dict[str, Any]) -> None:
        """Replace the record of a step, all of it or nothing."""
        with atomic_write(self.folder / f'{name}.json') as partial:
            partial.write_text(json.dumps(record, indent=1) + '\n')


def _is_sound(record: Any) -> bool:
    """Whether a record has the parts that are written at a step's start or end, each of its kind."""
    if not isinstance(record, dict) or record.get('state') not in (STARTED, DONE):
        return False
    descriptions = [record.get(key, {}) for key in ('inputs', 'outputs')]
    process = record.get('process', [0, ''])
    return (
        all(
            isinstance(files, dict) and all(isinstance(file, dict) for file in files.values()) for files in descriptions
        )
        and isinstance(process, list)
        and [type(part) for part in process] == [int, str]
        and (
            record['state'] == STARTED
            or (isinstance(record.get('metrics'), dict) and isinstance(record.get('seconds'), (int, float)))
        )
    )


def origin(step: Step, record: dict[str, Any] | None = None) -> dict[str, Any]:
    """All that decides a step's result.

    Args:
        step: The step; its inputs exist.
        record: Its earlier record, which saves reading large files again.

    Returns:
        ``command``, and descriptions of the ``inputs`` by path.
    """
    earlier = (record or {}).get('inputs', {})
    return dict(
        command=list(step.command), inputs={str(path): describe(path, earlier.get(str(path))) for path in step.inputs}
    )


def why_anew(step: Step, record: dict[str, Any] | None) -> str | None:
    """Why nothing that an earlier run has left is of use.

    Args:
        step: The step.
        record: Its record.

    Returns:
        The reason, or ``None`` if the step is done or can go on.
    """
    if record is None:
        return 'has not run yet'
    missing = [path for path in step.inputs if not path.is_file()]
    if missing:
        return f'{missing[0]} is missing'
    current = origin(step, record)
    if current['command'] != record.get('command'):
        return 'its options have changed'
    earlier = record.get('inputs', {})
    changed = [
        path
        for path, description in current['inputs'].items()
        if description['sha256'] != earlier.get(path, {}).get('sha256')
    ]
    return f'{changed[0]} has changed' if changed else None


def why_run(step: Step, record: dict[str, Any] | None) -> str | None:
    """Why a step has to run.

    Args:
        step: The step.
        record: Its record.

    Returns:
        The reason, or ``None`` if its result is there and intact.
    """
    reason = why_anew(step, record)
    if reason:
        return reason
    if record.get('state') != DONE:
        return 'was interrupted'
    for path, description in record.get('outputs', {}).items():
        defect = what_is_wrong(Path(path), description)
        if defect:
            return f'{path} {defect}'
    return None
