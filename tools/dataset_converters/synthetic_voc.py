"""Draw a small data set in VOC's layout: 20 classes of textured shapes, void borders, varying sizes."""

from __future__ import annotations

import argparse

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, run_tool


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('root', help='folder to write, such as data/demo/VOCdevkit/VOC2012')
    parser.add_argument('--train', type=int, default=480, help='training images; default: %(default)s')
    parser.add_argument('--val', type=int, default=80, help='validation images; default: %(default)s')
    parser.add_argument('--test', type=int, default=20, help='test images, without masks; default: %(default)s')
    parser.add_argument('--seed', type=int, default=0, help='default: %(default)s')
    return parser.parse_args()


def main() -> None:
    """Draw."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    from drawn_scenes import make_synthetic_voc

    try:
        make_synthetic_voc(args.root, args.train, args.val, args.test, args.seed)
    except OSError as error:
        raise InputError(f'Cannot write {args.root} ({error.strerror}); name a folder you may write to.') from error
    print(f'{args.root}: {args.train} training, {args.val} validation and {args.test} test images')


if __name__ == '__main__':
    run_tool(main)
