"""From nothing to a comparison: draw data, train with bilinear and with GDN upsampling, test, submit, report."""

from __future__ import annotations

import argparse

from mmseg_gdn.utils import require_extra, run_tool


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work-dir', default='work_dirs/demo', help='folder of all results; default: %(default)s')
    parser.add_argument(
        '--data-root', default='data/demo/VOCdevkit/VOC2012', help='folder of the drawn data; default: %(default)s'
    )
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='passed on to training and testing'
    )
    return parser.parse_args()


def main() -> None:
    """Run all steps."""
    args = parse_args()
    require_extra('plots')
    from demo_steps import run_demo  # here, because importing it takes seconds, and --help needs none of it

    run_demo(args)


if __name__ == '__main__':
    run_tool(main)
