"""Test a segmentor, with the command line of mmseg's own ``tools/test.py``, VOC submission archives and a CRF."""

from __future__ import annotations

import argparse
from contextlib import nullcontext

from mmseg_gdn.utils import run_tool
from mmseg_gdn.utils.cli import runner_parser
from mmseg_gdn.utils.launchers import is_first_process
from mmseg_gdn.utils.places import filling, require_folder


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = runner_parser('Test a segmentor, or write a VOC submission with it.')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file; an Ensemble has those of its members')
    parser.add_argument('--out', help='folder for the predicted class indices, as plain PNGs')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--show-dir', help='folder for painted predictions')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds for which --show shows a prediction')
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    parser.add_argument(
        '--crf',
        action='store_true',
        help="refine predictions by a dense CRF with the parameters in the config's crf, or else "
        'those of DeepLab-LargeFOV; not in --show and --show-dir',
    )
    parser.add_argument('--crf-workers', type=int, metavar='N', help='processes for --crf; default: one for each CPU')
    parser.add_argument(
        '--submission',
        metavar='OUT.tar.gz',
        help='write an archive for the VOC server instead of evaluating; needs no annotations',
    )
    parser.add_argument(
        '--competition',
        choices=['comp5', 'comp6'],
        default='comp6',
        help='comp5: trained on VOC trainval only; comp6 (default): other training data, too',
    )
    parser.add_argument(
        '--ids',
        metavar='LIST',
        help="list of the images to test, such as VOC's test.txt; default: the list of the config",
    )
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
    from testing import test  # here, because importing it takes seconds, and --help needs none of it

    if args.out:
        require_folder(args.out, 'the folder of predictions', '--out')
    # Older predictions are replaced at the end, by all the new ones or by none.
    with filling(args.out, is_first=is_first_process(args.launcher)) if args.out else nullcontext() as folder:
        test(args, folder)


if __name__ == '__main__':
    run_tool(main)
