"""Running the plan: what is done is skipped, what was interrupted goes on."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from mmseg_gdn.utils import InputError

from .child import birth_of, run_child, wait_for_end
from .files import describe, is_readable, what_is_wrong
from .records import DONE, STARTED, Records, origin, why_anew, why_run
from .step import Step
from .unfinished import set_aside

ROOT = Path(__file__).parents[2]
_LAST_LINES = 30
_CRF_KEYS = ('bi_w', 'bi_xy', 'bi_rgb', 'pos_w', 'pos_xy', 'iterations')


class StepInterrupted(Exception):
    """Ctrl-C during a step; the message is the step's name."""


def run_steps(steps: list[Step], records: Records, logs: Path, how_to_go_on: str) -> None:
    """Run the steps that are not done.

    Args:
        steps: The plan, each step after those that it needs.
        records: The steps' records.
        logs: Folder of the logs.
        how_to_go_on: The command that goes on after a failure.

    Raises:
        InputError: If a step fails; the message names the step, its log and ``how_to_go_on``.
        StepInterrupted: On Ctrl-C.
    """
    for number, step in enumerate(steps, 1):
        title = f'[{number}/{len(steps)}] {step.name}'
        reason = why_run(step, records.read(step.name))
        if reason is None:
            print(f'{title}: done', flush=True)
            continue
        log = logs / f'{step.name}.log'
        print(f'{title}: {reason}; log: {log}', flush=True)
        try:
            problem = _run(step, records, log)
        except KeyboardInterrupt:
            raise StepInterrupted(step.name) from None
        if problem:
            details = f', see its log {log}' if log.is_file() else ''
            raise InputError(
                f'The step {step.name} failed ({problem}){details}; to go on from there (or without it, '
                f'with --skip {step.name}), run: {how_to_go_on}'
            )


def _run(step: Step, records: Records, log: Path) -> str | None:
    """Run one step; gives what went wrong."""
    record = records.read(step.name)
    if record and not wait_for_end(*record.get('process', (0, ''))):
        return f'process {record["process"][0]}, started by an earlier run, still works on it; wait for it or stop it'
    missing = [path for path in step.inputs if not path.is_file()]
    if missing:
        return f'{missing[0]} is missing'
    if step.folder:
        anew = why_anew(step, record) or _replaced_result(record)
        kept = set_aside(step.folder) if anew else None
        if kept:
            print(f'  {step.folder} does not belong to this plan ({anew}) and is now {kept}', flush=True)

    started = dict(origin(step, record), state=STARTED)
    scores_before = _scores(step)
    clock, status, begin = time.monotonic(), 0, log.stat().st_size if log.is_file() else 0
    if not _was_finished(step, record):
        status = run_child(
            _command(step),
            log,
            step.environment,
            lambda pid: records.write(step.name, dict(started, process=[pid, birth_of(pid)])),
        )
    scores = [path for path in _scores(step) if path not in scores_before]
    problem = _problem(step, status, scores, log, begin)
    if problem is None:
        outputs = (*step.outputs, *scores)
        records.write(
            step.name,
            dict(
                started,
                state=DONE,
                seconds=round(time.monotonic() - clock, 1),
                went_on=bool(record and record.get('state') == STARTED),
                outputs={str(path): describe(path) for path in outputs},
                metrics=json.loads(scores[0].read_text()) if scores else {},
            ),
        )
    return problem


def _was_finished(step: Step, record: dict[str, Any] | None) -> bool:
    """Whether only the record is missing: replaying a finished training would read all its images again."""
    return bool(
        step.folder
        and step.outputs
        and record
        and record.get('state') == STARTED
        and why_anew(step, record) is None
        and all(path.is_file() and is_readable(path) for path in step.outputs)
    )


def _replaced_result(record: dict[str, Any]) -> str | None:
    """Which result of a finished step has another content now; going on from it would go on from something else."""
    results = record.get('outputs', {}).items() if record.get('state') == DONE else ()
    return next(
        (f'{path} has changed' for path, known in results if what_is_wrong(Path(path), known) == 'has changed'), None
    )


def _command(step: Step) -> list[str]:
    if step.launch:
        return list(step.launch)
    tool, *arguments = step.command
    return [sys.executable, str(ROOT / tool), *arguments, *step.extra, *_best_parameters(step.best_of)]


def _best_parameters(path: Path | None) -> list[str]:
    if path is None:
        return []
    best = json.loads(path.read_text())['best']
    return ['--cfg-options', *(f'crf.{key}={best[key]}' for key in _CRF_KEYS if key in best)]


def _scores(step: Step) -> list[Path]:
    return sorted(step.scores.glob('*/*.json')) if step.scores else []


def _problem(step: Step, status: int, scores: list[Path], log: Path, begin: int) -> str | None:
    if status:
        return _last_words(log, begin) or f'exit status {status}'
    missing = [path for path in step.outputs if not path.is_file()]
    if missing:
        return f'it did not write {missing[0]}'
    if step.scores and len(scores) != 1:
        return f'it left {len(scores)} files of scores in {step.scores}'
    return None


def _last_words(log: Path, begin: int) -> str:
    """The tool's own sentence, or the exception that it ended with."""
    with log.open('rb') as file:
        file.seek(begin)
        lines = file.read().decode(errors='replace').splitlines()
    for line in reversed(lines[-_LAST_LINES:]):
        # A progress bar may stand before it.
        _, found, sentence = line.partition('error: ')
        if found:
            return sentence.rstrip('.')
    has_traceback = any(line.startswith('Traceback') for line in lines)
    return next(line for line in reversed(lines) if line.strip()) if has_traceback else ''
