"""One step of the plan: a command, what it reads and writes, and how much work it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Work:
    """How much a step does; time and disk are estimated from this.

    Attributes:
        config: Name of the config, by which its measurements are found.
        train_images: Images that training reads, summed over all iterations.
        test_images: Images that are predicted, also in the validations of a training.
        crf_images: Images that DenseCRF refines, once for each set of parameters.
        processes: Processes that share the training.
        download: Bytes to download.
        checkpoints: Checkpoints with the optimizer's state that stay on disk.
        other: Other bytes that stay on disk.
    """

    config: str = ''
    train_images: int = 0
    test_images: int = 0
    crf_images: int = 0
    processes: int = 1
    download: int = 0
    checkpoints: int = 0
    other: int = 0


@dataclass(frozen=True)
class Row:
    """What a step adds to the final table.

    Attributes:
        model: Name of the config, or 'ensemble', or 'archive'.
        images: The images that are predicted.
        crf: The CRF's parameters: those of the 'config', or those that were 'found'; empty without a CRF.
    """

    model: str
    images: str
    crf: str = ''


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        name: Its name, also for ``--only`` and of its log.
        what: What it does, in a few words.
        command: A tool of this project and its arguments, as far as they decide the result.
        inputs: Files that decide the result, configs among them. When their content changes, the step is done again.
        outputs: Files that exist when the step is done.
        needs: Names of the steps before it.
        folder: Where the command leaves unfinished work, from which it goes on after a break.
        scores: Where ``tools/test.py`` leaves its metrics, as ``*/*.json``.
        best_of: Result of ``crf_search.py``, whose best parameters are added to the command.
        extra: Arguments that do not decide the result, such as a number of processes.
        launch: What is run instead of Python, ``command`` and ``extra``: a launcher of several processes.
        environment: Environment variables to add.
        row: What it adds to the final table.
        work: How much it does.
    """

    name: str
    what: str
    command: tuple[str, ...]
    inputs: tuple[Path, ...] = ()
    outputs: tuple[Path, ...] = ()
    needs: tuple[str, ...] = ()
    folder: Path | None = None
    scores: Path | None = None
    best_of: Path | None = None
    extra: tuple[str, ...] = ()
    launch: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    row: Row | None = None
    work: Work = field(default_factory=Work)


def with_needs(steps: list[Step], names: list[str]) -> list[Step]:
    """The named steps and all those that they need, in the order of the plan."""
    by_name = {step.name: step for step in steps}
    wanted, open_names = set(), list(names)
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            wanted.add(name)
            open_names += by_name[name].needs
    return [step for step in steps if step.name in wanted]
