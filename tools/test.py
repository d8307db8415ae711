"""Test a segmentor, with the command line of mmseg's own ``tools/test.py`` and VOC submission archives."""

from __future__ import annotations

import argparse
from pathlib import Path

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_gdn.datasets.require_data import require_images, require_voc
from mmseg_gdn.engine.checkpoint import require_checkpoint
from mmseg_gdn.evaluation.voc_submission import require_voc_classes
from mmseg_gdn.models.segmentors import skip_full_size_scores
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.cli import add_default_hook, load_config, runner_parser
from tested_images import drop_annotations, select_images, set_pipeline

_WRITERS_OF_CLASSES = ('IoUMetric', 'CityscapesMetric')


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = runner_parser('Test a segmentor, or write a VOC submission with it.')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', help='folder for the predicted class indices, as plain PNGs')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--show-dir', help='folder for painted predictions')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds for which --show shows a prediction')
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    parser.add_argument('--submission', metavar='OUT.tar.gz',
                        help='write an archive for the VOC server instead of evaluating; needs no annotations')
    parser.add_argument('--competition', choices=['comp5', 'comp6'], default='comp6',
                        help='comp5: trained on VOC trainval only; comp6 (default): other training data, too')
    parser.add_argument('--ids', metavar='LIST',
                        help="list of the images to test, such as VOC's test.txt; default: the list of the config")
    return parser.parse_args()


def main() -> None:
    """Test."""
    args = parse_args()
    cfg = load_config(args)
    cfg.load_from = args.checkpoint
    require_checkpoint(args.checkpoint)
    if args.submission:
        _submit_instead_of_evaluating(cfg, args.submission, args.competition)
    _require_test(cfg, args.config)
    is_replaced = not args.tta and skip_full_size_scores(cfg.model)
    if args.tta:
        _augment(cfg)
    if args.submission:
        drop_annotations(cfg.test_dataloader.dataset)
    if args.ids:
        select_images(cfg, args.ids)
    if args.out:
        _write_classes(cfg, args.out)
    if args.show or args.show_dir:
        _paint_predictions(cfg, args)
    require_voc(cfg.test_dataloader.dataset)
    require_images(cfg.test_dataloader.dataset)
    add_default_hook(cfg, 'check_checkpoint', 'CheckpointCheckHook')

    runner = Runner.from_cfg(cfg)
    if is_replaced:
        runner.logger.info('GlobalInterpEncoderDecoder replaces EncoderDecoder: it predicts the same classes faster, '
                           'and computes seg_logits only when something reads them.')
    runner.test()


def _require_test(cfg: Config, path: str) -> None:
    missing = [name for name in ('test_dataloader', 'test_cfg', 'test_evaluator') if cfg.get(name) is None]
    if missing:
        raise InputError(f'{path} has no test set, because it sets no {" and no ".join(missing)}; '
                         'add what is missing, or name a config with a test set.')


def _paint_predictions(cfg: Config, args: argparse.Namespace) -> None:
    if 'visualization' not in cfg.default_hooks:
        raise InputError("--show and --show-dir need the config's default_hooks to have "
                         "visualization=dict(type='SegVisualizationHook').")
    hook = cfg.default_hooks.visualization
    hook.update(draw=True, show=args.show, wait_time=args.wait_time, interval=hook.get('interval', 1))
    if args.show_dir:
        cfg.visualizer.save_dir = args.show_dir


def _augment(cfg: Config) -> None:
    if 'tta_pipeline' not in cfg or 'tta_model' not in cfg:
        raise InputError('--tta needs both tta_pipeline and tta_model in the config; add them, or leave out the flag.')
    set_pipeline(cfg.test_dataloader.dataset, cfg.tta_pipeline)
    cfg.model = dict(cfg.tta_model, module=cfg.model)


def _submit_instead_of_evaluating(cfg: Config, archive: str, competition: str) -> None:
    cfg.test_evaluator = dict(type='VOCSubmission', out=archive, competition=competition)
    cfg.test_cfg = cfg.get('test_cfg') or dict(type='TestLoop')
    heads = cfg.model.get('decode_head')
    head = heads[-1] if isinstance(heads, (list, tuple)) else heads
    if head and 'num_classes' in head:
        require_voc_classes(head['num_classes'], 'model')


def _write_classes(cfg: Config, folder: str) -> None:
    """Let the first metric that can write predictions do so, or add one."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f'Cannot create the folder {folder} ({error.strerror}); name one you may write to '
                         'with --out.') from error
    evaluator = cfg.test_evaluator
    is_composed = isinstance(evaluator, dict) and 'metrics' in evaluator
    metrics = evaluator.metrics if is_composed else evaluator
    metrics = list(metrics) if isinstance(metrics, (list, tuple)) else [metrics]
    writers = [metric for metric in metrics if metric['type'] in _WRITERS_OF_CLASSES]
    if writers:
        writers[0].update(output_dir=folder, keep_results=True)
    else:
        metrics.append(dict(type='IoUMetric', format_only=True, output_dir=folder))
    cfg.test_evaluator = dict(evaluator, metrics=metrics) if is_composed else metrics


if __name__ == '__main__':
    run_tool(main)
