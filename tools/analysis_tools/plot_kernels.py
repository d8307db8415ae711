"""Draw learned matrices: how they differ from bilinear interpolation, and how far one coarse cell reaches."""

from __future__ import annotations

import argparse

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import require_extra, run_tool


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='CHECKPOINT_OR_NPY',
        help="checkpoints with GlobalInterpHead, or pairs of .npy files, such as the authors' W0.npy W1.npy",
    )
    parser.add_argument('--out', required=True, metavar='FILE.png', help='picture to write')
    parser.add_argument(
        '--align-corners',
        action='store_true',
        help="compare with bilinear interpolation with align_corners=True, if the head's is so",
    )
    return parser.parse_args()


def main() -> None:
    """Draw."""
    args = parse_args()
    require_extra('plots')
    import_parts()  # takes seconds, and --help needs none of it
    from kernel_figure import draw_pairs  # needs Matplotlib
    from kernel_pairs import read_pairs
    from mmseg_gdn.utils.places import require_other_file
    from mmseg_gdn.visualization.figures import save_figure

    require_other_file(args.out, *args.sources)
    pairs = read_pairs(args.sources)
    save_figure(draw_pairs(pairs, args.align_corners), args.out)
    print(f'{args.out}: {", ".join(pair.title for pair in pairs)}')


if __name__ == '__main__':
    run_tool(main)
