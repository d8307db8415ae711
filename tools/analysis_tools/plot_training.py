"""Draw trainings from their logs: loss, learning rate, mIoU, and the IoU of each class."""

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
        metavar='WORK_DIR_OR_JSON',
        help='work folders, or scalars.json files; several runs go into one picture',
    )
    parser.add_argument('--out', required=True, metavar='FILE.png', help='picture to write')
    return parser.parse_args()


def main() -> None:
    """Draw."""
    args = parse_args()
    require_extra('plots')
    import_parts()  # takes seconds, and --help needs none of it
    from mmseg_gdn.utils.places import require_other_file
    from mmseg_gdn.visualization.figures import save_figure

    require_other_file(args.out, *args.sources)
    from training_figure import draw_training  # needs Matplotlib
    from training_log import read_log

    logs = [read_log(source) for source in args.sources]
    save_figure(draw_training(logs), args.out)
    print(f'{args.out}: {", ".join(f"{log.name} up to iteration {log.last_step}" for log in logs)}')


if __name__ == '__main__':
    run_tool(main)
