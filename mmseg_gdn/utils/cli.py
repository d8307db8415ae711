"""The command-line options that training and testing share, with mmseg's names."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mmengine.config import Config, DictAction
from mmengine.device import get_device
from torch import distributed as dist

from .errors import InputError
from .files import similar_files


def runner_parser(description: str) -> argparse.ArgumentParser:
    """A parser with the options of mmseg's own ``tools/train.py`` and ``tools/test.py``.

    Args:
        description: First line of ``--help``.

    Returns:
        Parser with ``config``, ``--work-dir``, ``--cfg-options``, ``--launcher`` and ``--local_rank``.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder for logs and results; default: work_dirs/<name of the config>')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='settings that override the config, such as train_cfg.max_iters=100 or '
                             'model.decode_head.in_size="(12,12)"')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none',
                        help='how several processes were started')
    # torch.distributed.launch hands the rank over by this flag, in either spelling.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    return parser


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and apply the shared options.

    Args:
        args: Options parsed by :func:`runner_parser`.

    Returns:
        The config, with ``launcher`` and an existing ``work_dir``.

    Raises:
        InputError: If the config is missing, or if the work folder cannot be created.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    if args.launcher == 'pytorch' and get_device() == 'cpu':
        _join_processes_without_gpu(cfg)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs', Path(args.config).stem))
    try:
        Path(cfg.work_dir).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f'Cannot create the work folder {cfg.work_dir} ({error.strerror}); name one you may write to '
                         'with --work-dir.') from error
    return cfg


def _join_processes_without_gpu(cfg: Config) -> None:
    """Do what mmengine does only for CUDA devices: connect the processes, and wrap the model without a device."""
    if 'RANK' not in os.environ:
        raise InputError('--launcher pytorch is for processes started by torchrun, but RANK is not set; '
                         'use tools/dist_train.sh or tools/dist_test.sh, or leave out --launcher.')
    if not dist.is_initialized():
        dist.init_process_group('gloo')
    unused = cfg.get('find_unused_parameters', False)
    wrapper = dict(type='MMDistributedDataParallel', broadcast_buffers=False, find_unused_parameters=unused)
    cfg.model_wrapper_cfg = dict(cfg.get('model_wrapper_cfg', wrapper), device_ids=None)


def read_config(path: str, options: dict | None = None) -> Config:
    """Read a config and override settings.

    Args:
        path: The config file.
        options: Settings by dotted keys, as from ``--cfg-options``.

    Returns:
        The config.

    Raises:
        InputError: If the file is missing or cannot be read.
    """
    if not Path(path).is_file():
        raise InputError(f'There is no config {path}; the configs of this project are in configs/gdn.'
                         + similar_files(path, 'configs', '*.py'))
    try:
        cfg = Config.fromfile(path)
    except (OSError, SyntaxError) as error:
        raise InputError(f'{path} cannot be read as a config ({type(error).__name__}: {error}); correct it, or name '
                         'another one.') from error
    cfg.merge_from_dict(options or {})
    return cfg


def add_default_hook(cfg: Config, name: str, hook_type: str) -> None:
    """Add a hook to a config, unless it already has one of this type.

    Args:
        cfg: The config; changed in place. Settings of ``default_hooks.<name>`` are kept.
        name: Key in ``default_hooks``, by which ``--cfg-options`` reaches it.
        hook_type: Registered name of the hook.
    """
    hooks = cfg.get('default_hooks') or {}
    if any(hook.get('type') == hook_type for hook in [*hooks.values(), *(cfg.get('custom_hooks') or [])] if hook):
        return
    cfg.default_hooks = dict(hooks, **{name: dict(hooks.get(name) or {}, type=hook_type)})
