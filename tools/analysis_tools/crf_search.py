"""Search for the parameters of the CRF that suit a model best, on a list of images with masks."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, require_extra, run_tool
from mmseg_gdn.utils.cli import read_config
from mmseg_gdn.utils.options import ConfigOptions

_FILES = 'crf_search.json, crf_search.md and crf_search.png'


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=f'{__doc__[:-1]}. Computes the scores of the network once, then mean IoU for each combination of '
        f'parameters, and writes {_FILES}. What is done is kept, so an interrupted search goes on with the same '
        'command. Use images that the network was not trained on, and measure the result on others.'
    )
    parser.add_argument('config', help='config file; its crf is the default of the parameters that are not searched')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--ids', metavar='LIST', required=True, help='list of the images; DeepLab used 100 of val')
    parser.add_argument('--out', metavar='FOLDER', required=True, help='folder for scores, results and report')
    parser.add_argument(
        '--bi-w',
        type=_number,
        nargs='+',
        default=[3, 4, 5],
        metavar='W',
        help='weights of the kernel of distance and colour; default: 3 4 5',
    )
    parser.add_argument(
        '--bi-xy',
        type=_number,
        nargs='+',
        default=[30, 50, 70, 90],
        metavar='PX',
        help='its standard deviations in space; default: 30 50 70 90',
    )
    parser.add_argument(
        '--bi-rgb',
        type=_number,
        nargs='+',
        default=[3, 5, 7, 10],
        metavar='STEPS',
        help='its standard deviations in colour; default: 3 5 7 10',
    )
    parser.add_argument('--pos-w', type=_number, nargs='+', metavar='W', help='weights of the kernel of distance')
    parser.add_argument('--pos-xy', type=_number, nargs='+', metavar='PX', help='its standard deviations')
    parser.add_argument('--iterations', type=int, metavar='N', help='mean-field updates')
    parser.add_argument('--workers', type=int, metavar='N', help='processes for the CRF; default: one for each CPU')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='settings that override the config'
    )
    return parser.parse_args()


def main() -> None:
    """Search."""
    args = parse_args()
    require_extra('crf')
    require_extra('plots')
    import_parts()  # takes seconds, and --help needs none of it
    from mmengine.registry import init_default_scope

    import crf_grid
    from mmseg_gdn.datasets.tested_images import loading_step, select_images
    from mmseg_gdn.engine.checkpoint import require_checkpoint
    from mmseg_gdn.evaluation.crf_pool import default_workers

    workers = default_workers() if args.workers is None else args.workers
    if workers < 1:
        raise InputError(f'--workers is a number of processes, 1 or more, but got {workers}.')
    cfg = read_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    searched = {name: getattr(args, name) for name in ('bi_w', 'bi_xy', 'bi_rgb', 'pos_w', 'pos_xy')}
    points = crf_grid.make_points(cfg.get('crf'), searched, args.iterations)
    if not cfg.get('test_dataloader'):
        raise InputError(f'{args.config} has no test set; name a config with a test_dataloader.')
    require_checkpoint(args.checkpoint)
    folder = Path(args.out)
    cfg.work_dir = str(folder)
    select_images(cfg, args.ids)

    images = crf_grid.cache_scores(cfg, args.checkpoint, folder)
    counts = crf_grid.evaluate_points(points, images, loading_step(cfg.test_dataloader.dataset), folder, workers)
    report = crf_grid.make_report(args.config, args.checkpoint, len(images), counts)
    crf_grid.write_report(report, folder)
    print(crf_grid.as_markdown(report))
    print(f'Written to {folder}: {_FILES}. The best parameters, for the config:')
    print(crf_grid.config_line(report))


def _number(text: str) -> float:
    return float(text) if set('.eE') & set(text) else int(text)


if __name__ == '__main__':
    run_tool(main)
