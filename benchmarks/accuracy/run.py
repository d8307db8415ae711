"""Runs the accuracy experiments that have no result yet; results go to benchmarks/accuracy/results, one JSON each."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from experiments import EXPERIMENTS
from runner import run_missing

from mmseg_gdn.utils import InputError, run_tool


def main() -> None:
    """Run what is missing."""
    args = _arguments()
    folders = {name: folder for name, folder in (('camvid', args.camvid), ('voc', args.voc)) if folder}
    if not folders:
        raise InputError('Name the folder of at least one data set, with --camvid or --voc.')
    for part in args.only:
        if not any(part in experiment.name for experiment in EXPERIMENTS):
            raise InputError(f"--only {part}: no experiment has this in its name, such as '{EXPERIMENTS[0].name}'.")
    chosen = [experiment for experiment in EXPERIMENTS if any(part in experiment.name for part in args.only)]
    if args.iterations:
        # Runs that go on from others are known by the length of those, and would take the place of the real ones.
        chosen = [
            replace(experiment, iterations=args.iterations)
            for experiment in chosen
            if experiment.learns == 'all' and not experiment.start
        ]
    weights = dict(mobilenetv2=args.mobilenetv2_weights, largefov=args.largefov_weights)
    run_missing(chosen, folders, weights, args.results, args.scratch, args.workers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--camvid', type=Path, help='folder of CamVid, with train, trainannot, val and valannot')
    parser.add_argument('--voc', type=Path, help='folder of VOC 2012 or of an extract, in its own layout')
    parser.add_argument(
        '--mobilenetv2-weights',
        type=Path,
        default='work_dirs/mobilenet_v2_imagenet.pth',
        help='ImageNet weights of MobileNetV2 (default: %(default)s)',
    )
    parser.add_argument(
        '--largefov-weights',
        type=Path,
        default='work_dirs/vgg16_caffe_largefov.pth',
        help='ImageNet weights of VGG-16 for LargeFOV (default: %(default)s)',
    )
    parser.add_argument(
        '--only', nargs='+', default=[''], metavar='PART', help='run only experiments with one of these in their name'
    )
    parser.add_argument(
        '--iterations',
        type=int,
        metavar='N',
        help='other length of the runs, to try the commands; those that go on from others are left out',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=0,
        metavar='N',
        help='processes that load images when whole networks are trained (default: %(default)s)',
    )
    parser.add_argument(
        '--results',
        type=Path,
        default=Path(__file__).parent / 'results',
        help='folder of the results (default: the one beside this script)',
    )
    parser.add_argument(
        '--scratch', type=Path, default='work_dirs/accuracy', help='folder for caches and logs (default: %(default)s)'
    )
    return parser.parse_args()


if __name__ == '__main__':
    run_tool(main)
