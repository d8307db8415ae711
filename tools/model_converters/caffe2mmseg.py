"""Convert a Caffe model into an mmseg checkpoint for CaffeVGG, CaffeFCHead and GlobalInterpHead."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, atomic_write, run_tool


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', help='binary .caffemodel, in the current or the old (V1) format')
    parser.add_argument('dst', help='checkpoint to write (.pth)')
    parser.add_argument('--layout', choices=['fcn32s', 'largefov'], required=True, help='network the weights are for')
    parser.add_argument(
        '--kernels',
        nargs=2,
        metavar=('W0.npy', 'W1.npy'),
        help="the authors' matrices (h, H) and (w, W); they take precedence over those in the model",
    )
    return parser.parse_args()


def main() -> None:
    """Convert."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    from converted_checkpoint import about_missing_layers, report, save_checkpoint
    from mmseg_gdn.caffe import convert, read_caffemodel, read_kernel

    refuse_overwriting(args.dst, [args.src, *(args.kernels or ())])
    kernels = args.kernels and tuple(read_kernel(path) for path in args.kernels)
    with atomic_write(args.dst) as partial:
        conversion = convert(read_caffemodel(args.src), args.layout, kernels)
        report(conversion)
        save_checkpoint(conversion, Path(args.src), args.layout, partial)
    print(about_missing_layers(conversion, args.layout))
    print(
        f'{args.dst}: {len(conversion.state)} tensors from {len(conversion.used)} layers, '
        f'{len(conversion.left_over)} layers left over'
    )


def refuse_overwriting(dst: str, sources: list[str]) -> None:
    """Protect the input files.

    Raises:
        InputError: If the checkpoint would overwrite one of them.
    """
    for source in sources:
        if os.path.exists(dst) and os.path.exists(source) and os.path.samefile(dst, source):
            raise InputError(f'{dst} is to be read, so it cannot be written; name another file for the checkpoint.')


if __name__ == '__main__':
    run_tool(main)
