"""A fit of the matrices, from the options of the command line to the files of the variant."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mmseg_gdn.parts  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.registry import init_default_scope
from torch import Tensor

from mmseg_gdn.datasets.checked_loading import check_loading
from mmseg_gdn.datasets.named_images import naming_dead_workers
from mmseg_gdn.engine.checkpoint import read_weights
from mmseg_gdn.engine.gradient_watch import all_matrices
from mmseg_gdn.engine.quiet_runner import QuietRunner, warnings_in_log
from mmseg_gdn.engine.unwrap import whole_model
from mmseg_gdn.models.variant_file import checked_head, find_stock_config, variant_file_text
from mmseg_gdn.utils import InputError, atomic_write
from mmseg_gdn.utils.cli import add_default_hook, load_config
from mmseg_gdn.utils.files import sync
from mmseg_gdn.utils.places import require_folder, writing
from training.faults import raise_log_errors

from . import NOT_IMPROVED
from .inputs import require_inputs, require_kind
from .plan import FitPlan, plan_fit


def fit(args: argparse.Namespace) -> int | None:
    """Fit, and write the variant if it is better on the validation images.

    Args:
        args: Options of ``tools/fit_kernels.py``.

    Returns:
        The exit status.

    Raises:
        InputError: If the config, the checkpoint or the data are not what a fit needs.
    """
    base, path = find_stock_config(args.config)
    require_inputs(path, args.checkpoint, args.out)
    args.config, args.work_dir = str(path), args.work_dir or str(Path('work_dirs', Path(args.out).stem))
    cfg = load_config(args)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    head = checked_head(args.config, cfg)
    require_kind(args.config, cfg)
    with _folder_of_scores(args.keep_scores, cfg.work_dir) as scores, warnings_in_log():
        plan = plan_fit(cfg, head, scores, args.flip, args.iterations)
        _prepare(cfg, args.checkpoint)
        metric, before = _validate(cfg)
        text = variant_file_text(
            base, cfg, plan.head, 'tools/fit_kernels.py', [f'# The matrices were fitted to {args.checkpoint}.']
        )
        after, matrices = _fit(cfg, plan, metric)

    is_written = args.force or after > before
    if is_main_process():
        if is_written:
            _write(Path(args.out), text, read_weights(args.checkpoint) | matrices, plan.metainfo)
        print(
            f'mIoU on the {plan.validation_images} validation images: {before:.2f} before, {after:.2f} after. '
            + (
                f'Config and weights: {Path(args.out).with_suffix(".py")} {args.out}'
                if is_written
                else 'It did not rise, so nothing was written; --force would write the variant all the same.'
            )
        )
    return None if is_written else NOT_IMPROVED


@contextmanager
def _folder_of_scores(kept: str | None, work_dir: str) -> Iterator[Path]:
    """The folder that the user wants to keep, or one that is deleted at the end."""
    if kept:
        require_folder(kept, 'the folder of coarse scores', '--keep-scores')
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix='coarse_scores_', dir=work_dir) as folder:
        yield Path(folder)


def _prepare(cfg: Config, checkpoint: str) -> None:
    """Set what validation and fitting share: the checkpoint to start from, and no hooks that save or change weights."""
    cfg.update(load_from=checkpoint, resume=False, custom_hooks=[], auto_scale_lr=None)
    cfg.randomness = cfg.get('randomness') or dict(seed=0)
    cfg.default_hooks = dict(cfg.get('default_hooks') or {}, checkpoint=None)
    add_default_hook(cfg, 'check_checkpoint', 'CheckpointCheckHook')


def _validate(cfg: Config) -> tuple[str, float]:
    """Name and value of the stock model's mIoU on the validation images."""
    stock = cfg.copy()
    stock.update(train_dataloader=None, train_cfg=None, optim_wrapper=None, param_scheduler=None)
    runner = QuietRunner.from_cfg(stock)
    check_loading(runner)
    with naming_dead_workers():
        metrics = runner.val()
    for name, value in metrics.items():
        if name.rsplit('/', 1)[-1] == 'mIoU':
            return name, value
    raise InputError(
        'val_evaluator of the config gives no mIoU, by which this tool decides; set '
        "val_evaluator=dict(type='IoUMetric', iou_metrics=['mIoU']) there."
    )


def _fit(cfg: Config, plan: FitPlan, metric: str) -> tuple[float, dict[str, Tensor]]:
    """Train the matrices; gives mIoU afterwards, and the matrices by name."""
    plan.apply(cfg)
    add_default_hook(cfg, 'global_interp', 'GlobalInterpHook')
    runner = QuietRunner.from_cfg(cfg)
    raise_log_errors(runner.logger)
    check_loading(runner)
    with naming_dead_workers():
        runner.train()
    with whole_model(runner.model) as model:
        matrices = {name: matrix.detach().cpu().clone() for name, matrix in all_matrices(model)}
    return runner.message_hub.get_scalar(f'val/{metric}').current(), matrices


def _write(path: Path, config: str, weights: dict[str, Tensor], metainfo: dict) -> None:
    meta = dict(dataset_meta={key: metainfo[key] for key in ('classes', 'palette') if key in metainfo})
    with atomic_write(path) as partial_weights, atomic_write(path.with_suffix('.py')) as partial_config:
        with writing(path):  # nearer than the one that would name the config
            torch.save(dict(meta=meta, state_dict=weights), partial_weights)
            sync(partial_weights)  # so that a disk without room for them keeps the older config, too
        partial_config.write_text(config, encoding='utf-8')
