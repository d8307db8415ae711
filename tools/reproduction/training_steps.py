"""Steps that train, on one device or several."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mmengine.config import Config

from .counts import count_images
from .settings import ROOT, Settings
from .stage_configs import first_weights, last_checkpoint
from .stages import PURPOSES
from .step import Step, Work

_GPUS_PER_NODE = 8


def training_step(settings: Settings, name: str, cfg: Config) -> Step:
    """Train one stage.

    Args:
        settings: The user's options.
        name: Name of its config.
        cfg: The completed config.

    Returns:
        The step. The number of processes is no part of its ``command``: a training may go on with another number.
    """
    folder, processes = settings.work_dir / name, fitting_processes(cfg.train_dataloader.batch_size, settings.gpus)
    command = ('tools/train.py', str(settings.config(name)), '--work-dir', str(folder), '--resume', 'auto')
    start, before = _start(cfg)
    launch, environment = _launch(settings, command, processes, cfg.train_dataloader.batch_size)
    return Step(
        f'train-{name}',
        _purpose(name),
        command,
        inputs=(settings.config(name), *start),
        outputs=(last_checkpoint(cfg, name, settings.work_dir),),
        needs=('data', *before),
        folder=folder,
        launch=launch,
        environment=environment,
        work=Work(
            name,
            train_images=cfg.train_cfg.max_iters * cfg.train_dataloader.batch_size,
            test_images=_validations(cfg) * count_images(settings, 'val'),
            processes=processes,
            checkpoints=cfg.default_hooks.checkpoint.max_keep_ckpts,
        ),
    )


def fitting_processes(batch_size: int, gpus: int) -> int:
    """How many processes can share a batch evenly, so that the published total is kept.

    Args:
        batch_size: Images of one batch in the recipe.
        gpus: Available devices.

    Returns:
        The largest number of at most ``gpus`` that divides the batch.
    """
    return next(count for count in range(gpus, 0, -1) if batch_size % count == 0)


def _validations(cfg: Config) -> int:
    """How often a training validates: after every interval, and at its end."""
    if not cfg.get('val_dataloader'):
        return 0
    last, interval = cfg.train_cfg.max_iters, cfg.train_cfg.get('val_interval', 1000)
    return sum(iteration >= cfg.train_cfg.get('val_begin', 1) for iteration in {*range(interval, last, interval), last})


def _start(cfg: Config) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """The checkpoint that a stage starts from, and the step that makes it."""
    if cfg.get('load_from'):
        path = Path(cfg.load_from)
        return (path,), (f'train-{path.parent.name}',)
    weights = first_weights(cfg)
    return ((weights[1],), (f'weights-{weights[0]}',)) if weights else ((), ())


def _launch(
    settings: Settings, command: tuple[str, ...], processes: int, batch_size: int
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The launcher's command and environment; none for one process, unless Slurm has the devices."""
    _, config, *arguments = command
    arguments += ['--cfg-options', f'train_dataloader.batch_size={batch_size // processes}']
    environment = {'PYTHON': sys.executable}
    if settings.launcher == 'slurm':
        per_node = os.environ.get('GPUS_PER_NODE', str(min(processes, _GPUS_PER_NODE)))
        environment.update(GPUS=str(processes), GPUS_PER_NODE=per_node)
        return (
            str(ROOT / 'tools/slurm_train.sh'),
            settings.partition,
            Path(config).stem,
            config,
            *arguments,
        ), environment
    if processes > 1:
        return (str(ROOT / 'tools/dist_train.sh'), config, str(processes), *arguments), environment
    return (), {}


def _purpose(name: str) -> str:
    network, *rest = name.split('_')
    purpose = next((PURPOSES[part] for part in rest if part in PURPOSES), 'train the baseline')
    return f'{network}: {purpose}' + (', with val' if name.endswith('trainval') else '')
