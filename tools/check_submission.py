"""Check offline whether the VOC server would accept an archive."""

from __future__ import annotations

import argparse

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import run_tool
from mmseg_gdn.utils.ids import read_ids


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description='Check a VOC submission: paths, palette, values, sizes and ids. One line per defect, exit 1.'
    )
    parser.add_argument('archive', help='the .tar.gz or .tgz')
    parser.add_argument('--ids', metavar='LIST', help="names that must be there, one per line, such as VOC's test.txt")
    parser.add_argument('--images', metavar='FOLDER', help='JPEGImages, to compare sizes with')
    return parser.parse_args()


def main() -> int:
    """Check."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    from mmseg_gdn.evaluation.check_submission import check_submission

    count, defects = check_submission(args.archive, args.ids and read_ids(args.ids), args.images)
    for defect in defects:
        print(defect)
    print(f'{args.archive}: {count} predictions, {len(defects)} defects')
    return 1 if defects else 0


if __name__ == '__main__':
    run_tool(main)
