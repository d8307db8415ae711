"""Curves from mmengine's ``vis_data/scalars.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.regular import require_no_pipe

_LOG = 'vis_data/scalars.json'
_CLASS_PREFIX = 'IoU/'


@dataclass(frozen=True)
class TrainingLog:
    """The scalars that a training wrote.

    Attributes:
        name: Name of the run.
        records: Scalars by name, each record with its iteration ``step``, in the order of the iterations.
    """

    name: str
    records: Sequence[dict]

    @property
    def last_step(self) -> int:
        """The last iteration with a scalar."""
        return self.records[-1]['step']

    def curve(self, key: str) -> tuple[np.ndarray, np.ndarray]:
        """Iterations at which a scalar was logged, and its values; empty if it never was."""
        points = [(record['step'], record[key]) for record in self.records if key in record]
        steps, values = zip(*points) if points else ((), ())
        return np.array(steps, int), np.array(values, float)

    def class_iou(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """IoU of some classes at each validation.

        Args:
            names: Names of the classes.

        Returns:
            Iterations (V,), and IoU in percent, shape (C, V), NaN where a class had none.
        """
        found = [record for record in self.records if any(key.startswith(_CLASS_PREFIX) for key in record)]
        iou = [[record.get(f'{_CLASS_PREFIX}{name}', np.nan) for record in found] for name in names]
        return np.array([record['step'] for record in found], int), np.array(iou).reshape(len(names), len(found))


def class_names(logs: Sequence[TrainingLog]) -> list[str]:
    """The classes whose IoU some run has logged.

    Args:
        logs: The runs.

    Returns:
        Names, those first that were best in the last validations, on average over the runs.
    """
    keys = {key for log in logs for record in log.records for key in record if key.startswith(_CLASS_PREFIX)}
    names = sorted(key[len(_CLASS_PREFIX) :] for key in keys)
    finals = [iou[:, -1] for iou in (log.class_iou(names)[1] for log in logs) if iou.shape[1]]
    scores = dict(zip(names, np.sum([np.nan_to_num(final) for final in finals], axis=0))) if finals else {}
    return sorted(names, key=lambda name: -scores[name])


def read_log(source: str) -> TrainingLog:
    """Read the log of a run; a training that was resumed is joined.

    Where trainings overlap, because a later one resumed from an earlier checkpoint or started anew, the later counts.

    Args:
        source: A work folder, a folder of one training in it, or a ``scalars.json``.

    Returns:
        The log.

    Raises:
        InputError: If there is no log, or if it cannot be read or has no scalars.
    """
    records: list[dict] = []
    for path in _log_files(Path(source)):
        later = _read_records(path)
        if later:
            first = min(record['step'] for record in later)
            records = [record for record in records if record['step'] < first] + later
    if not records:
        raise InputError(f'The log of {source} has no scalars yet; wait until training has logged something.')
    return TrainingLog(_name(Path(source)), sorted(records, key=lambda record: record['step']))


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Moving average, centred, over fewer values at the ends; values that are not finite are left out.

    Args:
        values: Shape (n,).
        window: Number of values to average.

    Returns:
        Shape (n,).
    """
    window = min(window, len(values))
    finite = np.isfinite(values)
    total = np.convolve(np.where(finite, values, 0), np.ones(window), 'same')
    count = np.convolve(finite, np.ones(window), 'same')
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0.5)


def _log_files(source: Path) -> list[Path]:
    """Logs in the order in which they were written; mmengine names folders by the time."""
    require_no_pipe(source)
    if source.is_file():
        return [source]
    if (source / _LOG).is_file():
        return [source / _LOG]
    found = sorted(source.glob(f'*/{_LOG}'))
    if not found:
        raise InputError(f'There is no log {source}/*/{_LOG}; name a work folder of a training.')
    return found


def _read_records(path: Path) -> list[dict]:
    require_no_pipe(path)
    lines = path.read_text(encoding='utf-8').splitlines()
    records = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            record = {key: float(value) for key, value in record.items()}
            record['step'] = int(record['step'])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            # A training that is running, or that was killed, may have written half a line.
            if number == len(lines) and records:
                break
            raise InputError(
                f'{path} is no log of scalars: line {number} is no JSON object of numbers with a step.'
            ) from error
        records.append(record)
    return records


def _name(source: Path) -> str:
    parts = [part for part in source.parts if part not in ('vis_data', 'scalars.json')]
    return parts[-1] if parts else str(source.resolve().name)
