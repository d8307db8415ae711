"""Train a segmentor, with the command line of mmseg's own ``tools/train.py``."""

from __future__ import annotations

import argparse

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from mmengine.runner import Runner, find_latest_checkpoint
from mmseg.registry import RUNNERS

from mmseg_gdn.datasets.require_data import require_voc
from mmseg_gdn.engine.checkpoint import check_checkpoint
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.cli import load_config, runner_parser


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = runner_parser('Train a segmentor.')
    parser.add_argument('--resume', action='store_true',
                        help='go on from the latest checkpoint in the work folder, if there is one')
    parser.add_argument('--amp', action='store_true', help='train with automatic mixed precision')
    return parser.parse_args()


def main() -> None:
    """Train."""
    args = parse_args()
    cfg = load_config(args)
    require_voc(cfg.train_dataloader.dataset)
    if cfg.get('val_dataloader'):
        require_voc(cfg.val_dataloader.dataset)
    if args.amp:
        _enable_amp(cfg.optim_wrapper)
    cfg.resume = args.resume

    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    latest = find_latest_checkpoint(cfg.work_dir) if args.resume else None
    if latest is not None:
        check_checkpoint(runner.model, latest)
    runner.train()


def _enable_amp(optim_wrapper: dict) -> None:
    if optim_wrapper['type'] == 'AmpOptimWrapper':
        return
    if optim_wrapper['type'] != 'OptimWrapper':
        raise InputError(f"--amp works with optim_wrapper.type='OptimWrapper', but the config has "
                         f"{optim_wrapper['type']!r}; leave the flag out or change the config.")
    optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')


if __name__ == '__main__':
    run_tool(main)
