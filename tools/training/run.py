"""A training, from the options of the command line to its end."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mmseg_gdn.parts  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from mmengine.config import Config
from mmengine.device import get_device
from mmseg.registry import RUNNERS

from mmseg_gdn.datasets.checked_loading import check_loading
from mmseg_gdn.datasets.named_images import naming_dead_workers
from mmseg_gdn.datasets.require_data import require_data
from mmseg_gdn.engine.checkpoint import require_checkpoint
from mmseg_gdn.engine.hooks import StopHook
from mmseg_gdn.engine.metrics_table import log_results
from mmseg_gdn.engine.quiet_runner import QuietRunner, warnings_in_log
from mmseg_gdn.engine.training_settings import require_hooks_once, require_training
from mmseg_gdn.models.starting_weights import naming_downloads, require_starting_weights
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.cli import add_default_hook, load_config
from mmseg_gdn.utils.type_names import type_name

from . import LATEST
from .faults import faults_in_one_sentence, raise_log_errors
from .start import training_in


def train(args: argparse.Namespace) -> None:
    """Train.

    Args:
        args: Options of ``tools/train.py``.

    Raises:
        InputError: If the config, the data, the weights or the work folder are not what a training needs.
    """
    cfg = load_config(args)
    require_training(cfg, args.config)
    resume = args.resume or _resumed_by_config(cfg)
    with faults_in_one_sentence(Path(cfg.work_dir)), training_in(cfg, resume), warnings_in_log():
        _require_files(cfg, args.config)
        if args.amp:
            _enable_amp(cfg.optim_wrapper)
        _require_device(cfg.optim_wrapper)
        if args.no_validate:
            cfg.update(val_dataloader=None, val_cfg=None, val_evaluator=None)
        cfg.param_scheduler = _schedules_that_begin(cfg)
        _add_hooks(cfg)
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else QuietRunner.from_cfg(cfg)
        raise_log_errors(runner.logger)
        check_loading(runner)
        try:
            with naming_dead_workers(), naming_downloads(cfg.model):
                runner.train()
            log_results(runner, 'val')
        finally:
            for hook in runner.hooks:
                if isinstance(hook, StopHook):
                    hook.release()


def _add_hooks(cfg: Config) -> None:
    """Switch on what configs of this project have, in configs of others."""
    add_default_hook(cfg, 'check_checkpoint', 'CheckpointCheckHook')
    add_default_hook(cfg, 'global_interp', 'GlobalInterpHook')
    add_default_hook(cfg, 'exact_resume', 'ExactResumeHook')
    add_default_hook(cfg, 'finite_loss', 'FiniteLossHook')
    add_default_hook(cfg, 'stop', 'StopHook')
    require_hooks_once(cfg)
    # mmengine saves after each epoch unless it is told otherwise; None tells it not to save.
    saving = cfg.default_hooks.get('checkpoint', dict(type='CheckpointHook', interval=1)) or {}
    if type_name(saving) == 'CheckpointHook':
        cfg.default_hooks.checkpoint = dict(saving, type='DurableCheckpointHook')


def _resumed_by_config(cfg: Config) -> str | None:
    if not cfg.get('resume'):
        return None
    return cfg.get('load_from') or LATEST


def _require_files(cfg: Config, path: str) -> None:
    require_data(cfg.train_dataloader.dataset)
    if cfg.get('val_dataloader'):
        require_data(cfg.val_dataloader.dataset)
    require_starting_weights(cfg.model)
    if cfg.get('load_from'):
        _require_start(cfg.load_from, path)


def _require_start(load_from: str, path: str) -> None:
    """Make sure that the checkpoint exists; if another config beside this one makes it, name that config."""
    before = Path(path).with_name(f'{Path(load_from).parent.name}.py')
    if Path(load_from).exists() or not before.is_file():
        require_checkpoint(load_from)
        return
    raise InputError(
        f'There is no {load_from}, with which {before} ends and from which this training starts. '
        f'First run: python tools/train.py {before}. To start from other weights, add --cfg-options '
        'load_from=OTHER.pth; with load_from=None it starts as the first of the stages does.'
    )


def _schedules_that_begin(cfg: Config) -> Any:
    """Learning-rate schedules without those that a short training never reaches, which mmengine refuses."""
    schedules = cfg.get('param_scheduler')
    if not isinstance(schedules, (list, tuple)):
        return schedules
    return [
        schedule
        for schedule in schedules
        if 'end' in schedule or schedule.get('begin', 0) < _length(cfg.train_cfg, schedule.get('by_epoch', True))
    ]


def _length(train_cfg: dict, by_epoch: bool) -> float:
    length = train_cfg.get('max_epochs' if by_epoch else 'max_iters')
    return float('inf') if length is None else length


def _enable_amp(optim_wrapper: dict) -> None:
    wrapper_type = type_name(optim_wrapper, 'OptimWrapper')
    if 'optimizer' not in optim_wrapper and 'constructor' in optim_wrapper:
        raise InputError(
            "--amp works with one optimizer, but the config's optim_wrapper has several; leave out the flag, and set "
            "type='AmpOptimWrapper' in each of them."
        )
    if wrapper_type == 'AmpOptimWrapper':
        return
    if wrapper_type != 'OptimWrapper':
        raise InputError(
            f"--amp works with optim_wrapper.type='OptimWrapper', but the config has {wrapper_type!r}; "
            'leave out the flag, or change the config.'
        )
    optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')


def _require_device(optim_wrapper: dict) -> None:
    if type_name(optim_wrapper) == 'AmpOptimWrapper' and get_device() == 'cpu':
        raise InputError(
            'Mixed precision (--amp, or AmpOptimWrapper in the config) needs a GPU, and PyTorch finds '
            "none; train without it, with optim_wrapper.type='OptimWrapper'."
        )
