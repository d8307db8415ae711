"""The matrices of the authors' release, as ``.npy`` files."""

from __future__ import annotations

import os
from typing import Literal

import numpy as np

from mmseg_gdn.utils import InputError


def read_kernel(path: str) -> np.ndarray:
    """One of the authors' matrices.

    Args:
        path: A ``.npy`` file. Pickled objects are refused.

    Returns:
        The array as it is stored, float32; the release has shapes (h, H) and (w, W).

    Raises:
        InputError: If the file is missing, not a ``.npy`` array of numbers, or holds values that are not finite.
    """
    how_to = "give the two files of the authors' release"
    try:
        # Overflowing sizes and values are refused below, so NumPy's warnings are not needed.
        with np.errstate(over='ignore'):
            if os.path.exists(path) and not os.path.isfile(path):
                raise InputError(f'{path} is not a regular file; {how_to}.')
            # Mapped, so that a header with a larger size than the file's is refused before memory is allocated; then
            # read, because a file that another program shortens would end this process.
            header = np.lib.format.open_memmap(path, mode='r')
            if header.dtype.kind not in 'fiu':
                raise InputError(f'{path} holds no array of real numbers; {how_to}.')
            stored = np.fromfile(path, header.dtype, header.size, offset=header.offset)
            order: Literal['C', 'F'] = 'C' if header.flags.c_contiguous else 'F'
            kernel = stored.reshape(header.shape, order=order).astype(np.float32)
    except InputError:
        raise
    # NumPy reports damaged files by many kinds of exceptions.
    except Exception as error:
        raise InputError(f'{path} cannot be read as a .npy matrix ({type(error).__name__}); {how_to}.') from error
    if not np.isfinite(kernel).all():
        raise InputError(f'{path} holds values that are not finite; {how_to}.')
    return kernel
