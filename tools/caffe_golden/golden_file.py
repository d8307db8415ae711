"""All comparisons that one golden file allows."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmseg_gdn.caffe import read_caffemodel
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.regular import require_no_pipe

from .check import Check
from .layer import check_layer, is_layer
from .models import check_model, counterpart
from .nets import check_net, is_net
from .released import check_released, is_released
from .shapes import check_shapes
from .softmax_loss import check_softmax_loss
from .solver import check_solver, is_solver

KINDS = ((is_layer, check_layer), (is_net, check_net), (is_solver, check_solver), (is_released, check_released))


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
        raise InputError(
            f'{path} is not a whole golden file: after {count} quantities, what belongs to the next one '
            f'is missing or of another shape ({reason}); copy it again.'
        ) from error
    if not count and not is_of_a_model(path):
        raise InputError(f'{path} holds nothing that could be compared; copy it again, or remove it.')


def is_of_a_model(path: Path) -> bool:
    """Whether a file holds the weights and outputs of a ``.caffemodel`` beside it, which is compared with them."""
    return path.suffix == '.npz' and any(
        counterpart(read_caffemodel(model), {path.stem: read(path)}) for model in path.parent.glob('*.caffemodel')
    )


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
    require_no_pipe(path)
    try:
        if path.suffix == '.json':
            return json.loads(path.read_text())
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    # Damaged archives raise errors of NumPy, zipfile or zlib.
    except (
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        EOFError,
        RecursionError,
        NotImplementedError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise InputError(f'{path} cannot be read ({type(error).__name__}: {error}); copy it again.') from error
