"""The command-line options that training and testing share, with mmseg's names."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config_errors import config_error
from .errors import InputError
from .files import similar_files
from .launchers import require_launcher
from .options import ConfigOptions
from .places import require_folder
from .regular import require_no_pipe
from .type_names import type_name

if TYPE_CHECKING:  # importing these takes seconds, and --help needs none of them
    from mmengine.config import Config

_CHECKPOINTS = ('.pth', '.pt', '.ckpt', '.caffemodel', '.onnx')


def runner_parser(description: str, named_after: str = 'the config') -> argparse.ArgumentParser:
    """A parser with the options of mmseg's own ``tools/train.py`` and ``tools/test.py``.

    Args:
        description: First line of ``--help``.
        named_after: What the default work folder is named after.

    Returns:
        Parser with ``config``, ``--work-dir``, ``--cfg-options``, ``--launcher`` and ``--local_rank``.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help=f'folder for logs and results; default: work_dirs/<name of {named_after}>')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=ConfigOptions,
        metavar='KEY=VALUE',
        help='settings that override the config, such as train_cfg.max_iters=100 or '
        'model.decode_head.in_size="(12,12)"',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='how several processes were started',
    )
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
        InputError: If the config is missing or has no model, if the launcher did not start this process, or if the work
            folder cannot be written.
    """
    from mmengine.device import get_device

    require_launcher(args.launcher)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config, args.cfg_options)
    require_model(cfg, args.config)
    _keep_no_workers_that_are_not_there(cfg)
    cfg.launcher = args.launcher
    if args.launcher == 'pytorch' and get_device() == 'cpu':
        _join_processes_without_gpu(cfg)
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs', Path(args.config).stem))
    require_folder(cfg.work_dir, 'the work folder', '--work-dir')
    return cfg


def require_model(cfg: Config, path: str) -> None:
    """Make sure that a config has a model, and is one of mmseg 1.x.

    Args:
        cfg: The config.
        path: Its file, for messages.

    Raises:
        InputError: If it is not.
    """
    if 'data' in cfg and not any(f'{part}_dataloader' in cfg for part in ('train', 'val', 'test')):
        raise InputError(
            f'{path} is written for mmseg 0.x: it sets data, where mmseg 1.x has train_dataloader, '
            'val_dataloader and test_dataloader; take the config of the same name of mmseg 1.x, or '
            "rewrite it as mmseg's guide to migration says."
        )
    if not isinstance(cfg.get('model'), dict) or not cfg.model.get('type'):
        raise InputError(f'{path} sets no model with a type; name a whole config, such as one of configs/gdn.')


def _keep_no_workers_that_are_not_there(cfg: Config) -> None:
    """Without processes that load images there are none to keep; torch refuses that instead of leaving it out."""
    for part in ('train', 'val', 'test'):
        for loader in _as_list(cfg.get(f'{part}_dataloader')):
            if loader.get('num_workers') == 0:
                loader.update(persistent_workers=False)
                loader.pop('prefetch_factor', None)


def _as_list(value: object) -> list:
    return [one for one in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(one, dict)]


def _join_processes_without_gpu(cfg: Config) -> None:
    """Do what mmengine does only for CUDA devices: connect the processes, and wrap the model without a device."""
    from torch import distributed as dist

    if not dist.is_initialized():
        if os.environ['RANK'] != '0':
            print(
                f'Process {os.environ["RANK"]} waits for process 0 at {os.environ["MASTER_ADDR"]}:'
                f'{os.environ["MASTER_PORT"]}.',
                file=sys.stderr,
            )
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
        InputError: If the file is missing or cannot be read, or if a setting does not fit it, is misspelt or of another
            kind than what is taken there.
    """
    from mmengine.config import Config

    from mmseg_gdn.config_checks.check import check_config

    from .whole_config import WholeConfig

    if Path(path).suffix in _CHECKPOINTS:
        raise InputError(
            f'{path} is named where the config belongs, but its name is that of a checkpoint; name the '
            'config first, and then the checkpoint.'
        )
    require_no_pipe(path)
    if not Path(path).is_file():
        raise InputError(
            f'There is no config {path}; the configs of this project are in configs/gdn.'
            + similar_files(path, 'configs', '*.py')
        )
    try:
        cfg = Config.fromfile(path)
    except InputError:
        raise
    # A config is a program, and may fail in every way.
    except Exception as error:
        raise InputError(
            f'{path} cannot be read as a config ({config_error(error)}); correct it, or name another one.'
        ) from error
    _override(cfg, options or {})
    check_config(cfg, path)
    return WholeConfig.of(cfg)


def _override(cfg: Config, options: dict) -> None:
    from mmseg_gdn.config_checks.names import similar_name

    # What is deleted goes before what is set anew, in whichever order they are given.
    for key, value in sorted(options.items(), key=lambda option: not option[0].endswith('._delete_')):
        first = key.split('.')[0]
        if first not in cfg and (hint := similar_name(first)):
            raise InputError(f'--cfg-options {key}={value}: nothing reads a setting {first}{hint}')
        if key == 'launcher':
            raise InputError(f'--cfg-options launcher={value} has no effect; use the option --launcher.')
        _open_none(cfg, key)
        try:
            cfg.merge_from_dict({key: value})
        # mmengine reports what cannot be merged, such as a key of a number, by several kinds of exceptions.
        except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
            if isinstance(error, AttributeError) and key.split('.')[-1].isdigit():
                raise InputError(
                    f'--cfg-options {key}={value} replaces a single element of a list, which mmengine cannot do; name '
                    f'a setting of that element, such as {key}.type=..., or give the whole list.'
                ) from error
            raise InputError(
                f'--cfg-options {key}={value} does not fit the config ({" ".join(str(error).split())}); '
                'see there what the setting is.'
            ) from error


def _open_none(cfg: Config, key: str) -> None:
    """Let settings be made in a section that is None, such as ``clip_grad``, which mmengine refuses."""
    section: Any = cfg
    for name in key.split('.')[:-1]:
        if not hasattr(section, 'items') or name not in section:
            return
        if section[name] is None:
            section[name] = {}
        section = section[name]


def add_default_hook(cfg: Config, name: str, hook_type: str) -> None:
    """Add a hook to a config, unless it already has one of this type.

    Args:
        cfg: The config; changed in place. Settings of ``default_hooks.<name>`` are kept.
        name: Key in ``default_hooks``, by which ``--cfg-options`` reaches it.
        hook_type: Registered name of the hook.
    """
    hooks = cfg.get('default_hooks') or {}
    if any(type_name(hook) == hook_type for hook in [*hooks.values(), *(cfg.get('custom_hooks') or [])]):
        return
    cfg.default_hooks = dict(hooks, **{name: dict(hooks.get(name) or {}, type=hook_type)})
