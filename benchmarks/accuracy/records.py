"""Results as files: one JSON per run, with what is needed to get its numbers again."""

from __future__ import annotations

import datetime
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

import mmengine
import mmseg
import torch
from experiment import Experiment

import mmseg_gdn
from mmseg_gdn.utils import InputError, atomic_write


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """All results in a folder, by the name of the run."""
    results = (json.loads(path.read_text()) for path in sorted(folder.glob('*.json')))
    return {result['name']: result for result in results}


def write_result(folder: Path, result: dict[str, Any]) -> None:
    """Keep a result; the file appears complete or not at all."""
    with atomic_write(folder / f'{result["name"]}.json') as partial:
        partial.write_text(json.dumps(result, indent=1) + '\n')


def check_settings(experiments: list[Experiment], done: dict[str, dict[str, Any]], folder: Path) -> None:
    """Make sure that finished runs are the ones that the table of experiments asks for.

    Args:
        experiments: What is asked for.
        done: Results by name.
        folder: Where they lie.

    Raises:
        InputError: If a result was made with other settings than the experiment of its name has.
    """
    for experiment in experiments:
        if experiment.name in done and Experiment.from_dict(done[experiment.name]['settings']) != experiment:
            raise InputError(
                f'{folder / experiment.name}.json was made with other settings than those in '
                'experiments.py; delete it to run the experiment again.'
            )


def about(experiment: Experiment) -> dict[str, Any]:
    """The command that repeats a run, and the code and the versions that ran."""
    return dict(
        command=f'python benchmarks/accuracy/run.py --{experiment.data} FOLDER --only {experiment.name}',
        commit=_git('rev-parse', 'HEAD'),
        modified=bool(_git('status', '--porcelain', '--untracked-files=no')),
        versions=dict(
            mmseg_gdn=mmseg_gdn.__version__,
            torch=torch.__version__,
            mmseg=mmseg.__version__,
            mmengine=mmengine.__version__,
            python=platform.python_version(),
        ),
        threads=torch.get_num_threads(),
        date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    )


def _git(*args: str) -> str | None:
    """What git says about this repository; ``None`` outside one."""
    outcome = subprocess.run(['git', *args], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return outcome.stdout.strip() if outcome.returncode == 0 else None
