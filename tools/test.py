"""Test a segmentor, with the command line of mmseg's own ``tools/test.py``, VOC submission archives and a CRF."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from mmengine.config import Config
from mmengine.runner import Runner

from mmseg_gdn.datasets.checked_loading import check_loading
from mmseg_gdn.datasets.named_images import naming_dead_workers
from mmseg_gdn.datasets.require_data import require_images, require_voc
from mmseg_gdn.datasets.tested_images import drop_annotations, require_archive_names, select_images, set_pipeline
from mmseg_gdn.engine.checkpoint import require_checkpoint
from mmseg_gdn.evaluation import CRFEvaluator
from mmseg_gdn.models.segmentors import skip_full_size_scores
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.cli import add_default_hook, load_config, runner_parser
from mmseg_gdn.utils.places import filling, require_folder
from mmseg_gdn.visualization import whole_image_backend  # noqa: F401  (registers what --show-dir writes with)
from tested_metrics import refine_with_crf, submit_instead_of_evaluating, write_classes
from training.faults import raise_log_errors

_VISUALIZER = dict(type='SegLocalVisualizer', name='visualizer')


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = runner_parser('Test a segmentor, or write a VOC submission with it.')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file; an Ensemble has those of its members')
    parser.add_argument('--out', help='folder for the predicted class indices, as plain PNGs')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--show-dir', help='folder for painted predictions')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds for which --show shows a prediction')
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    parser.add_argument('--crf', action='store_true',
                        help="refine predictions by a dense CRF with the parameters in the config's crf, or else "
                             'those of DeepLab-LargeFOV; not in --show and --show-dir')
    parser.add_argument('--crf-workers', type=int, metavar='N', help='processes for --crf; default: one for each CPU')
    parser.add_argument('--submission', metavar='OUT.tar.gz',
                        help='write an archive for the VOC server instead of evaluating; needs no annotations')
    parser.add_argument('--competition', choices=['comp5', 'comp6'], default='comp6',
                        help='comp5: trained on VOC trainval only; comp6 (default): other training data, too')
    parser.add_argument('--ids', metavar='LIST',
                        help="list of the images to test, such as VOC's test.txt; default: the list of the config")
    # In any order: otherwise argparse takes a checkpoint that follows other options for one too many.
    args = parser.parse_intermixed_args()
    if args.crf_workers is not None and not (args.crf and args.crf_workers > 0):
        parser.error('--crf-workers is a number of processes, 1 or more, and needs --crf')
    if args.show and args.show_dir:
        parser.error('--show keeps pictures from being written, so it does not go with --show-dir; give one of them')
    return args


def main() -> None:
    """Test."""
    args = parse_args()
    if args.out:
        require_folder(args.out, 'the folder of predictions', '--out')
    # Older predictions are replaced at the end, by all the new ones or by none.
    with filling(args.out) if args.out else nullcontext() as folder:
        test(args, folder)


def test(args: argparse.Namespace, folder: Path | None) -> None:
    """Test, and write predictions to a folder if there is one."""
    cfg = load_config(args)
    cfg.load_from = args.checkpoint
    _require_weights(cfg, args.config)
    if args.submission:
        submit_instead_of_evaluating(cfg, args.submission, args.competition)
    _require_test(cfg, args.config)
    is_replaced = not args.tta and skip_full_size_scores(cfg.model)
    if args.tta:
        _augment(cfg)
    if args.submission:
        drop_annotations(cfg.test_dataloader.dataset)
    if args.ids:
        select_images(cfg, args.ids)
    if args.submission:
        require_archive_names(cfg.test_dataloader.dataset)
    if folder is not None:
        write_classes(cfg, str(folder))
    if args.crf:
        refine_with_crf(cfg, args.crf_workers)
    if args.show or args.show_dir:
        _paint_predictions(cfg, args)
    require_voc(cfg.test_dataloader.dataset)
    require_images(cfg.test_dataloader.dataset)
    add_default_hook(cfg, 'check_checkpoint', 'CheckpointCheckHook')

    runner = Runner.from_cfg(cfg)
    raise_log_errors(runner.logger)
    if is_replaced:
        runner.logger.info('GlobalInterpEncoderDecoder replaces EncoderDecoder: it predicts the same classes faster, '
                           'and computes seg_logits only when something reads them.')
    check_loading(runner)
    try:
        with naming_dead_workers():
            runner.test()
    finally:
        _stop_refining(runner)


def _stop_refining(runner: Runner) -> None:
    """If the test failed, end the processes of the CRF, for which this one would wait until all have finished."""
    evaluator = getattr(runner._test_loop, 'evaluator', None)
    if isinstance(evaluator, CRFEvaluator):
        evaluator.stop()


def _require_weights(cfg: Config, path: str) -> None:
    is_ensemble = cfg.model.type == 'Ensemble'
    if is_ensemble and cfg.load_from:
        raise InputError(f'{path} is an Ensemble, whose members have their own checkpoints; leave out '
                         f'{cfg.load_from}.')
    if not is_ensemble and not cfg.load_from:
        raise InputError(f'Name the checkpoint to test after {path}.')
    if cfg.load_from:
        require_checkpoint(cfg.load_from)


def _require_test(cfg: Config, path: str) -> None:
    missing = [name for name in ('test_dataloader', 'test_cfg', 'test_evaluator') if cfg.get(name) is None]
    if missing:
        raise InputError(f'{path} has no test set, because it sets no {" and no ".join(missing)}; '
                         'add what is missing, or name a config with a test set.')


def _paint_predictions(cfg: Config, args: argparse.Namespace) -> None:
    hooks = dict(cfg.get('default_hooks') or {})
    hook = dict(hooks.get('visualization') or dict(type='SegVisualizationHook'))
    hook.update(draw=True, show=args.show, wait_time=args.wait_time, interval=hook.get('interval', 1))
    cfg.default_hooks = dict(hooks, visualization=hook)
    if args.show_dir:
        require_folder(args.show_dir, 'the folder of painted predictions', '--show-dir')
        visualizer = dict(cfg.get('visualizer') or _VISUALIZER, save_dir=args.show_dir)
        others = [backend for backend in visualizer.get('vis_backends') or () if backend['type'] != 'LocalVisBackend']
        visualizer['vis_backends'] = [*others, dict(type='WholeImageVisBackend')]
        cfg.visualizer = visualizer


def _augment(cfg: Config) -> None:
    if cfg.model.type == 'Ensemble':
        raise InputError('--tta does not reach the members of an Ensemble, which prepare images by their own configs; '
                         'leave out the flag.')
    if 'tta_pipeline' not in cfg or 'tta_model' not in cfg:
        raise InputError('--tta needs both tta_pipeline and tta_model in the config; add them, or leave out the flag.')
    set_pipeline(cfg.test_dataloader.dataset, cfg.tta_pipeline)
    if cfg.tta_model.type == 'SegTTAModel':
        cfg.tta_model.type = 'ScoredTTAModel'
    cfg.model = dict(cfg.tta_model, module=cfg.model)


if __name__ == '__main__':
    run_tool(main)
