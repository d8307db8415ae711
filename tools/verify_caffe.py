"""Compare this project with arrays computed by the authors' Caffe."""

from __future__ import annotations

import argparse
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import numpy as np
from mmengine.logging import MMLogger

from caffe_golden.check import Check
from caffe_golden.layer import check_layer, is_layer
from caffe_golden.models import check_model, counterpart
from caffe_golden.nets import check_net, is_net
from caffe_golden.released import check_released, is_released
from caffe_golden.shapes import check_shapes
from caffe_golden.softmax_loss import check_softmax_loss
from caffe_golden.solver import check_solver, is_solver
from mmseg_gdn.caffe import read_caffemodel
from mmseg_gdn.utils import InputError, run_tool

KINDS = ((is_layer, check_layer), (is_net, check_net), (is_solver, check_solver), (is_released, check_released))


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=f'{__doc__[:-1]}: one line per quantity, exit 1 if one is off by more than its tolerance. Nets are '
        'rebuilt from the shapes of the arrays.')
    parser.add_argument('folder', help='folder of golden files (.npz, .json, .caffemodel), any subset of them')
    parser.add_argument('--quiet', action='store_true', help='only a line per file, and the quantities that are off')
    return parser.parse_args()


def main() -> int:
    """Compare."""
    args = parse_args()
    # mmengine logs the settings of every parameter whenever an optimizer is built.
    MMLogger.get_current_instance().setLevel('WARNING')
    folder = Path(args.folder)
    files = sorted(path for path in folder.glob('*') if path.suffix in ('.npz', '.json', '.caffemodel'))
    if not files:
        raise InputError(f'{folder} has no golden files (.npz, .json or .caffemodel); name the folder that has them.')
    count = failed = 0
    for path in files:
        checks = []
        for check in complete_checks(path):
            checks.append(check)
            if not (args.quiet and check.ok):
                print(line(path, check))
        wrong = sum(not check.ok for check in checks)
        print(f'{path.name}: {len(checks)} quantities, {wrong} off')
        count, failed = count + len(checks), failed + wrong
    print(f'{folder}: {count} quantities in {len(files)} files, {failed} off')
    return 1 if failed else 0


def complete_checks(path: Path) -> Iterator[Check]:
    """Make all comparisons that a golden file allows, of which there must be some.

    Raises:
        InputError: If the file cannot be read, or if it lacks what belongs to its quantities.
    """
    count = 0
    try:
        for check in check_file(path):
            count += 1
            yield check
    except InputError:
        raise
    # Arrays and tables that are missing, or of other shapes than the rest of the file promises.
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = f'{type(error).__name__}: {" ".join(str(error).split())[:200]}'
        raise InputError(f'{path} is not a whole golden file: after {count} quantities, what belongs to the next one '
                         f'is missing or of another shape ({reason}); copy it again.') from error
    if not count and not is_of_a_model(path):
        raise InputError(f'{path} holds nothing that could be compared; copy it again, or remove it.')


def is_of_a_model(path: Path) -> bool:
    """Whether a file holds the weights and outputs of a ``.caffemodel`` beside it, which is compared with them."""
    return path.suffix == '.npz' and any(
        counterpart(read_caffemodel(model), {path.stem: read(path)}) for model in path.parent.glob('*.caffemodel'))


def check_file(path: Path) -> Iterator[Check]:
    """Make all comparisons that a golden file allows.

    Raises:
        InputError: If the file cannot be read.
    """
    if path.suffix == '.json':
        yield from check_shapes(read(path))
        return
    if path.suffix == '.caffemodel':
        yield from check_model(path, {other.stem: read(other) for other in sorted(path.parent.glob('*.npz'))})
        return
    arrays = read(path)
    yield from check_softmax_loss(arrays)
    for belongs, check in KINDS:
        if belongs(arrays):
            yield from check(arrays)


def read(path: Path) -> dict:
    """Content of a golden file, by key.

    Raises:
        InputError: If the file cannot be read.
    """
    try:
        if path.suffix == '.json':
            return json.loads(path.read_text())
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    # Damaged archives raise errors of NumPy, zipfile or zlib.
    except (OSError, ValueError, TypeError, AttributeError, EOFError, RecursionError, NotImplementedError,
            zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f'{path} cannot be read ({type(error).__name__}: {error}); copy it again.') from error


def line(path: Path, check: Check) -> str:
    """One comparison as text."""
    verdict = 'ok ' if check.ok else 'OFF'
    return f'{verdict} {check.error:9.2e} <= {check.tolerance:.2e} {check.unit}  {path.stem}: {check.name}'


if __name__ == '__main__':
    run_tool(main)
