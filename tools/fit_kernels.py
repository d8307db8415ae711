"""Give a trained stock model learned matrices, fitted alone on its coarse scores, and write it as a GDN variant."""

from __future__ import annotations

import argparse

from mmseg_gdn.utils import run_tool
from mmseg_gdn.utils.cli import runner_parser

_ABOUT = """\
The network stays as it is. Its coarse scores are computed once for each training image, which is loaded and resized as
in validation, without augmentation. Images may differ in size: they are taken one by one, the matrices are made for the
median height and width, and size_policy='resample' moves them to all other sizes, in training as in testing, including
sizes that no training image has.

Exit status: 0 if the variant was written; 3 if mIoU on the validation images did not rise and nothing was written;
1 for errors."""


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = runner_parser(__doc__, named_after='--out')
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, _ABOUT
    parser.add_argument('checkpoint', help='checkpoint of the stock model')
    parser.add_argument(
        '--out', required=True, metavar='GDN.pth', help='weights to write; the config is written beside them, as GDN.py'
    )
    parser.add_argument(
        '--iterations',
        type=int,
        metavar='N',
        help='iterations of one image each; default: twice the number of images, but 2000 to 10000',
    )
    parser.add_argument('--flip', action='store_true', help='mirror half of the images at random')
    parser.add_argument(
        '--keep-scores',
        metavar='FOLDER',
        help='keep the coarse scores there, so that the next fit need not compute them',
    )
    parser.add_argument('--force', action='store_true', help='write the variant even if mIoU did not rise')
    args = parser.parse_intermixed_args()
    if args.iterations is not None and args.iterations < 1:
        parser.error('--iterations is 1 or more')
    return args


def main() -> int | None:
    """Fit."""
    args = parse_args()
    from fitting.run import fit  # here, because importing it takes seconds, and --help needs none of it

    return fit(args)


if __name__ == '__main__':
    run_tool(main)
