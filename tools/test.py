"""Test a segmentor, with the command line of mmseg's own ``tools/test.py`` and VOC submission archives."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_gdn.datasets.require_data import require_voc
from mmseg_gdn.engine.checkpoint import check_checkpoint
from mmseg_gdn.models.segmentors import skip_full_size_scores
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.cli import load_config, runner_parser


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = runner_parser('Test a segmentor, or write a VOC submission with it.')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', help='folder for the predicted class indices, as plain PNGs')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--show-dir', help='folder for painted predictions')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds that --show shows a prediction')
    parser.add_argument('--tta', action='store_true', help='test time augmentation')
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
    if args.show or args.show_dir:
        _paint_predictions(cfg, args)
    if args.tta:
        _augment(cfg)
    else:
        skip_full_size_scores(cfg.model)  # nothing here reads them
    if args.ids:
        cfg.test_dataloader.dataset.ann_file = str(Path(args.ids).resolve())
    if args.submission:
        _submit_instead_of_evaluating(cfg, args.submission, args.competition)
    require_voc(cfg.test_dataloader.dataset)
    if args.out:
        cfg.test_evaluator.update(output_dir=args.out, keep_results=True)

    runner = Runner.from_cfg(cfg)
    check_checkpoint(runner.model, args.checkpoint)
    runner.test()


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
        raise InputError('--tta needs tta_pipeline and tta_model in the config, which has not both; '
                         'add them or test without the flag.')
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    cfg.model = dict(cfg.tta_model, module=cfg.model)


def _submit_instead_of_evaluating(cfg: Config, archive: str, competition: str) -> None:
    dataset = cfg.test_dataloader.dataset
    dataset.pipeline = _without_annotations(dataset.pipeline)
    dataset.data_prefix = dict(img_path=dataset.data_prefix.img_path)
    cfg.test_evaluator = dict(type='VOCSubmission', out=archive, competition=competition)


def _without_annotations(pipeline: Any) -> Any:
    """Drop what loads masks, inside of test time augmentation as well."""
    if isinstance(pipeline, (list, tuple)):
        return [_without_annotations(step) for step in pipeline if not _loads_masks(step)]
    if isinstance(pipeline, dict) and 'transforms' in pipeline:
        alternatives = (_without_annotations(step) for step in pipeline['transforms'])
        return dict(pipeline, transforms=[step for step in alternatives if step])
    return pipeline


def _loads_masks(step: Any) -> bool:
    return isinstance(step, dict) and str(step['type']).endswith('Annotations')


if __name__ == '__main__':
    run_tool(main)
