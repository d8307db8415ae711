"""Export a segmentor to ONNX: normalised images in, full-size scores out."""

from __future__ import annotations

import argparse

from mmseg_gdn.utils import run_tool
from mmseg_gdn.utils.options import ConfigOptions


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('out', help='model to write (.onnx)')
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        metavar=('H', 'W'),
        required=True,
        help='size of the images in pixels, as passed to the network',
    )
    parser.add_argument('--dynamic-batch', action='store_true', help='take any number of images at a time')
    parser.add_argument(
        '--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='settings that override the config'
    )
    return parser.parse_args()


def main() -> None:
    """Export and compare."""
    args = parse_args()
    from onnx_model import export_model  # here, because importing it takes seconds, and --help needs none of it

    export_model(args)


if __name__ == '__main__':
    run_tool(main)
