"""Convert a Caffe model into an mmseg checkpoint for CaffeVGG, CaffeFCHead and GlobalInterpHead."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import numpy as np

from converted_checkpoint import about_missing_layers, report, save_checkpoint
from mmseg_gdn.caffe import convert, read_caffemodel
from mmseg_gdn.utils import InputError, atomic_write, run_tool


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('src', help='binary .caffemodel, in the current or the old (V1) format')
    parser.add_argument('dst', help='checkpoint to write (.pth)')
    parser.add_argument('--layout', choices=['fcn32s', 'largefov'], required=True, help='network the weights are for')
    parser.add_argument('--kernels', nargs=2, metavar=('W0.npy', 'W1.npy'),
                        help="the authors' matrices (h, H) and (w, W); they take precedence over those in the model")
    return parser.parse_args()


def main() -> None:
    """Convert."""
    args = parse_args()
    refuse_overwriting(args.dst, [args.src, *(args.kernels or ())])
    kernels = args.kernels and tuple(read_kernel(path) for path in args.kernels)
    with atomic_write(args.dst) as partial:
        conversion = convert(read_caffemodel(args.src), args.layout, kernels)
        report(conversion)
        save_checkpoint(conversion, Path(args.src), args.layout, partial)
    print(about_missing_layers(conversion, args.layout))
    print(f'{args.dst}: {len(conversion.state)} tensors from {len(conversion.used)} layers, '
          f'{len(conversion.left_over)} layers left over')


def refuse_overwriting(dst: str, sources: list[str]) -> None:
    """Protect the input files.

    Raises:
        InputError: If the checkpoint would overwrite one of them.
    """
    for source in sources:
        if os.path.exists(dst) and os.path.exists(source) and os.path.samefile(dst, source):
            raise InputError(f'{dst} is to be read, so it cannot be written; name another file for the checkpoint.')


def read_kernel(path: str) -> np.ndarray:
    """One of the authors' matrices.

    Raises:
        InputError: If the file is missing, not a ``.npy`` array of numbers, or holds values that are not finite.
    """
    how_to = "give the two files of the authors' release"
    try:
        # Overflowing sizes and values are refused below, so NumPy's warnings are not needed.
        with np.errstate(over='ignore'):
            # Memory-mapped, so that a header with a larger size than the file's is refused before memory is allocated.
            stored = np.lib.format.open_memmap(path, mode='r')
            if stored.dtype.kind not in 'fiu':
                raise InputError(f'{path} holds no array of real numbers; {how_to}.')
            kernel = np.array(stored, np.float32)
    except InputError:
        raise
    # NumPy reports damaged files by many kinds of exceptions.
    except Exception as error:
        raise InputError(f'{path} cannot be read as a .npy matrix ({type(error).__name__}); {how_to}.') from error
    if not np.isfinite(kernel).all():
        raise InputError(f'{path} holds values that are not finite; {how_to}.')
    return kernel


if __name__ == '__main__':
    run_tool(main)
