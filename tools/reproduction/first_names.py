"""Write the first names of a list of images as a list of their own."""

from __future__ import annotations

import argparse

from mmseg_gdn.utils import atomic_write, run_tool
from mmseg_gdn.utils.ids import read_ids


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('list', help='list of image names')
    parser.add_argument(
        '--part',
        nargs=2,
        action='append',
        required=True,
        metavar=('COUNT', 'OUT.txt'),
        help='number of names, and the list to write; may be given several times',
    )
    return parser.parse_args()


def main() -> None:
    """Write."""
    args = parse_args()
    names = read_ids(args.list)
    for count, out in args.part:
        first = names[: int(count)]
        with atomic_write(out) as partial:
            partial.write_text('\n'.join(first) + '\n')
        print(f'{out}: the first {len(first)} of {len(names)} names in {args.list}')


if __name__ == '__main__':
    run_tool(main)
