"""Draw the images in which two models differ most, with the truth and where either is right."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, require_extra, run_tool


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', required=True, type=Path, metavar='DIR', help='photographs')
    parser.add_argument('--truth', required=True, type=Path, metavar='DIR', help='true masks')
    parser.add_argument(
        '--a',
        required=True,
        type=Path,
        metavar='DIR',
        help='masks of one model, as tools/predict.py or tools/test.py --out write them',
    )
    parser.add_argument('--b', required=True, type=Path, metavar='DIR', help='masks of the other model')
    parser.add_argument('--names', nargs=2, default=('A', 'B'), metavar=('A', 'B'), help='how to call the models')
    parser.add_argument('--out', required=True, metavar='FILE.png', help='picture to write')
    parser.add_argument('--count', type=int, default=6, metavar='N', help='images to draw; default: %(default)s')
    parser.add_argument(
        '--dataset',
        default='PascalVOCDataset',
        metavar='TYPE',
        help="data set whose classes these are, by mmseg's name; default: %(default)s",
    )
    parser.add_argument(
        '--ignore-index',
        type=int,
        default=255,
        metavar='LABEL',
        help='label of the truth that is not counted; default: %(default)s',
    )
    args = parser.parse_args()
    if args.count < 1:
        parser.error('--count is a number of images, 1 or more')
    return args


def main() -> None:
    """Draw."""
    args = parse_args()
    require_extra('plots')
    import_parts()  # takes seconds, and --help needs none of it
    from mmengine.registry import init_default_scope
    from mmseg.registry import DATASETS

    from compared_images import best_and_worst, compare
    from comparison_figure import draw_comparison  # needs Matplotlib
    from mmseg_gdn.visualization import legend_of_dataset
    from mmseg_gdn.visualization.figures import save_figure
    from paired_files import find_files

    init_default_scope('mmseg')
    if DATASETS.get(args.dataset) is None:
        raise InputError(f'mmseg has no data set {args.dataset}; its names are such as CityscapesDataset.')
    scores = compare(find_files(args.images, args.truth, args.a, args.b), args.ignore_index)
    if not scores:
        raise InputError(
            f'The masks in {args.truth} have nothing but the label {args.ignore_index}, which is not '
            'counted; set --ignore-index.'
        )
    figure = draw_comparison(
        scores,
        *best_and_worst(scores, args.count),
        tuple(args.names),
        legend_of_dataset(dict(type=args.dataset)),
        args.ignore_index,
    )
    save_figure(figure, args.out)
    print(f'{args.out}: {min(args.count, len(scores))} of {len(scores)} images')


if __name__ == '__main__':
    run_tool(main)
