"""A test, from the options of the command line to its metrics."""

from __future__ import annotations

import argparse
from pathlib import Path

import mmseg_gdn.parts  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from mmengine.config import Config

from mmseg_gdn.datasets.checked_loading import check_loading
from mmseg_gdn.datasets.named_images import naming_dead_workers
from mmseg_gdn.datasets.require_data import require_data, require_images
from mmseg_gdn.datasets.tested_images import (
    drop_annotations,
    require_archive_names,
    require_distinct_names,
    require_other_folder,
    select_images,
    set_pipeline,
)
from mmseg_gdn.engine.checkpoint import require_checkpoint
from mmseg_gdn.engine.metrics_table import log_results
from mmseg_gdn.engine.quiet_runner import QuietRunner, warnings_in_log
from mmseg_gdn.engine.training_settings import require_finite_test
from mmseg_gdn.evaluation import CRFEvaluator
from mmseg_gdn.models.segmentors import skip_full_size_scores
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.cli import add_default_hook, load_config
from mmseg_gdn.utils.places import require_folder
from mmseg_gdn.utils.type_names import type_name
from mmseg_gdn.visualization import stored_image_hook, whole_image_backend  # noqa: F401  (registered for --show-dir)
from tested_metrics import refine_with_crf, submit_instead_of_evaluating, write_classes
from training.faults import raise_log_errors

_VISUALIZER = dict(type='SegLocalVisualizer', name='visualizer')


def test(args: argparse.Namespace, folder: Path | None) -> None:
    """Test.

    Args:
        args: Options of ``tools/test.py``.
        folder: Folder for the predicted class indices, if they are wanted.

    Raises:
        InputError: If the config, the checkpoint or the data are not what a test needs.
    """
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
    for option, place in (('--out', args.out), ('--show-dir', args.show_dir)):
        if place:
            require_other_folder(place, option, cfg.test_dataloader.dataset)
    if folder is not None:
        write_classes(cfg, str(folder))
    if args.crf:
        refine_with_crf(cfg, args.crf_workers)
    if args.show or args.show_dir:
        _paint_predictions(cfg, args)
    require_data(cfg.test_dataloader.dataset)
    require_images(cfg.test_dataloader.dataset)
    add_default_hook(cfg, 'check_checkpoint', 'CheckpointCheckHook')
    _require_whole_models(cfg)
    add_default_hook(cfg, 'finite_scores', 'FiniteScoresHook')

    with warnings_in_log():
        _run(cfg, args, is_replaced)


def _run(cfg: Config, args: argparse.Namespace, is_replaced: bool) -> None:
    runner = QuietRunner.from_cfg(cfg)
    raise_log_errors(runner.logger)
    if is_replaced:
        runner.logger.info(
            'GlobalInterpEncoderDecoder replaces EncoderDecoder: it predicts the same classes faster, '
            'and computes seg_logits only when something reads them.'
        )
    check_loading(runner)
    if args.out or args.show_dir:
        require_distinct_names(runner.test_loop.dataloader.dataset)
    try:
        with naming_dead_workers():
            runner.test()
        log_results(runner, 'test')
    finally:
        _stop_refining(runner)


def _stop_refining(runner: QuietRunner) -> None:
    """If the test failed, end the processes of the CRF, for which this one would wait until all have finished."""
    evaluator = getattr(runner._test_loop, 'evaluator', None)
    if isinstance(evaluator, CRFEvaluator):
        evaluator.stop()


def _require_weights(cfg: Config, path: str) -> None:
    is_ensemble = type_name(cfg.model) == 'Ensemble'
    if is_ensemble and cfg.load_from:
        raise InputError(f'{path} is an Ensemble, whose members have their own checkpoints; leave out {cfg.load_from}.')
    if not is_ensemble and not cfg.load_from:
        raise InputError(f'Name the checkpoint to test after {path}.')
    if cfg.load_from:
        require_checkpoint(cfg.load_from)


def _require_whole_models(cfg: Config) -> None:
    """Leave what may fit in part to training, whose config a test may have."""
    for hook in (*cfg.default_hooks.values(), *(cfg.get('custom_hooks') or ())):
        if type_name(hook) == 'CheckpointCheckHook':
            hook['partial'] = False


def _require_test(cfg: Config, path: str) -> None:
    missing = [name for name in ('test_dataloader', 'test_cfg', 'test_evaluator') if cfg.get(name) is None]
    if missing:
        raise InputError(
            f'{path} has no test set, because it sets no {" and no ".join(missing)}; '
            'add what is missing, or name a config with a test set.'
        )
    require_finite_test(cfg)


def _paint_predictions(cfg: Config, args: argparse.Namespace) -> None:
    hooks = dict(cfg.get('default_hooks') or {})
    hook = dict(hooks.get('visualization') or dict(type='SegVisualizationHook'))
    if type_name(hook) == 'SegVisualizationHook':
        hook['type'] = 'StoredImageVisualizationHook'
    hook.update(draw=True, show=args.show, wait_time=args.wait_time, interval=hook.get('interval', 1))
    cfg.default_hooks = dict(hooks, visualization=hook)
    if args.show_dir:
        require_folder(args.show_dir, 'the folder of painted predictions', '--show-dir')
        visualizer = dict(cfg.get('visualizer') or _VISUALIZER, save_dir=args.show_dir)
        others = [
            backend for backend in visualizer.get('vis_backends') or () if type_name(backend) != 'LocalVisBackend'
        ]
        visualizer['vis_backends'] = [*others, dict(type='WholeImageVisBackend')]
        cfg.visualizer = visualizer


def _augment(cfg: Config) -> None:
    if type_name(cfg.model) == 'Ensemble':
        raise InputError(
            '--tta does not reach the members of an Ensemble, which prepare images by their own configs; '
            'leave out the flag.'
        )
    if 'tta_pipeline' not in cfg or 'tta_model' not in cfg:
        raise InputError('--tta needs both tta_pipeline and tta_model in the config; add them, or leave out the flag.')
    set_pipeline(cfg.test_dataloader.dataset, cfg.tta_pipeline)
    if type_name(cfg.tta_model) == 'SegTTAModel':
        cfg.tta_model.type = 'ScoredTTAModel'
    cfg.model = dict(cfg.tta_model, module=cfg.model)
