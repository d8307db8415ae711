"""The plan in words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from .estimates import disk, seconds, total, training_memory
from .records import Records, why_run
from .results import published
from .settings import Settings
from .step import Step, Work

_NOTE = """\
Time is estimated from a few iterations on this machine ({device}), downloads at 10 MB/s, the CRF at 1.5 s per image
and process. Disk counts checkpoints ({kept} per training), downloads and what is unpacked. Memory of the device in
training is {memory}."""
_COMPUTED = "computed from weights, gradients, momentum and activations (the libraries' workspaces come on top)"


def plan_as_text(
    steps: list[Step],
    records: Records,
    settings: Settings,
    configs: dict[str, Config],
    measured: dict[str, dict[str, Any]],
) -> str:
    """The plan, with what each step reads and writes, and estimates.

    Args:
        steps: The steps.
        records: Their records.
        settings: The user's options.
        configs: Completed configs of the trainings, by name.
        measured: Measurements by name of the config.

    Returns:
        The text.
    """
    blocks, is_open = [], set()
    for number, step in enumerate(steps, 1):
        reason = (
            'comes after a step that runs'
            if is_open.intersection(step.needs)
            else why_run(step, records.read(step.name))
        )
        if reason:
            is_open.add(step.name)
        lines = [f'[{number}/{len(steps)}] {step.name}: {step.what}', *_lines(step, configs, measured, settings)]
        lines.append(f'state: {reason or "done"}')
        blocks.append('\n    '.join(lines))
    left = [step for step in steps if step.name in is_open]
    time, space = total(left, measured, settings.workers)
    devices = sorted({one['device'] for one in measured.values()})
    note = _NOTE.format(
        device=', '.join(devices),
        kept=_kept(steps),
        memory='measured' if any(one.get('peak') for one in measured.values()) else _COMPUTED,
    )
    summary = f'{len(left)} of {len(steps)} steps to run: about {duration(time)}, {size(space)} on disk'
    return '\n'.join([*blocks, summary, note])


def duration(value: float) -> str:
    """Seconds in words."""
    if value < 90:
        return f'{value:.0f} s'
    if value < 90 * 60:
        return f'{value / 60:.0f} min'
    return f'{value / 3600:.0f} h' if value < 48 * 3600 else f'{value / 86400:.1f} days'


def size(value: float) -> str:
    """Bytes in words."""
    return f'{value / 10**9:.1f} GB' if value >= 10**9 else f'{value / 10**6:.0f} MB'


def _lines(
    step: Step, configs: dict[str, Config], measured: dict[str, dict[str, Any]], settings: Settings
) -> Iterator[str]:
    yield f'$ {shlex.join(step.launch or ("python", *step.command, *step.extra))}'
    if step.inputs:
        yield f'reads {", ".join(map(str, step.inputs))}'
    outputs = [*map(str, step.outputs), *([f'{step.scores}/*/*.json'] if step.scores else [])]
    if outputs:
        yield f'writes {", ".join(outputs)}'
    yield from _training(step.work, configs, measured, settings)
    if step.row:
        quoted = published(step.row)
        number = f'{quoted["miou"]} on {quoted["measured_on"]}' if quoted.get('miou') else 'no number'
        yield f'published: {number}' + (f' ({quoted["source"]})' if quoted else '')
    yield f'about {duration(seconds(step.work, measured, settings.workers))}, {size(disk(step.work, measured))}'


def _training(
    work: Work, configs: dict[str, Config], measured: dict[str, dict[str, Any]], settings: Settings
) -> Iterator[str]:
    if not work.train_images:
        return
    cfg = configs[work.config]
    batch, batches = cfg.train_dataloader.batch_size, cfg.optim_wrapper.get('accumulative_counts', 1)
    memory, _ = training_memory(measured[work.config], batch // work.processes)
    text = (
        f'{cfg.train_cfg.max_iters} iterations of {batch} images, {batch * batches} per update; '
        f'{size(memory)} of memory'
    )
    if settings.gpus > 1 or settings.launcher == 'slurm':
        text += f'; {work.processes} of {settings.gpus} devices, {batch // work.processes} images each'
        if work.processes < settings.gpus:
            text += f' (a batch of {batch} cannot be shared by more, and the published total is kept)'
    yield text


def _kept(steps: list[Step]) -> int:
    return max((step.work.checkpoints for step in steps), default=0)
