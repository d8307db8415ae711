"""Pairs of matrices from checkpoints and ``.npy`` files, and what is worth looking at in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmseg_gdn.caffe import read_kernel
from mmseg_gdn.engine.checkpoint import read_weights
from mmseg_gdn.models.layers.interp_kernels import bilinear_kernel
from mmseg_gdn.utils import InputError


@dataclass(frozen=True)
class KernelPair:
    """The two matrices of global interpolation.

    Attributes:
        title: Where they come from.
        kernel_h: Shape (H, h).
        kernel_w: Shape (W, w).
    """

    title: str
    kernel_h: np.ndarray
    kernel_w: np.ndarray


def read_pairs(sources: Sequence[str]) -> list[KernelPair]:
    """Find all pairs of matrices.

    If both matrices of a pair are mostly negative, as those of the authors' release are, both get the opposite sign;
    the interpolation stays the same.

    Args:
        sources: Checkpoints, and ``.npy`` files, two for each pair, which may be transposed as in the release.

    Returns:
        The pairs, first those from checkpoints.

    Raises:
        InputError: If a file cannot be read or has no matrices, or if there is an odd number of ``.npy`` files.
    """
    arrays = [source for source in sources if source.endswith('.npy')]
    if len(arrays) % 2:
        raise InputError(
            'A pair of matrices is in two .npy files, first that for rows and then that for columns, but '
            f'got {len(arrays)} such files.'
        )
    pairs = [pair for source in sources if source not in arrays for pair in _from_checkpoint(source)]
    pairs += [
        KernelPair(f'{Path(first).name}, {Path(second).name}', _from_array(first), _from_array(second))
        for first, second in zip(arrays[::2], arrays[1::2])
    ]
    return [_with_positive_signs(pair) for pair in pairs]


def deviation_from_bilinear(kernel: np.ndarray, align_corners: bool) -> np.ndarray:
    """What a matrix adds to bilinear interpolation between the same sizes.

    Args:
        kernel: Shape (H, h).
        align_corners: Which bilinear interpolation is meant.

    Returns:
        The difference, shape (H, h).
    """
    return kernel - bilinear_kernel(*kernel.shape, align_corners).numpy()


def footprint(pair: KernelPair, row: int, column: int) -> np.ndarray:
    """How one coarse cell contributes to the full-size scores.

    Args:
        pair: The matrices.
        row: Row of the cell.
        column: Column of the cell.

    Returns:
        Weight of the cell in every pixel, shape (H, W).
    """
    return np.outer(pair.kernel_h[:, row], pair.kernel_w[:, column])


def _from_checkpoint(path: str) -> Iterator[KernelPair]:
    weights = read_weights(path)
    names = [
        key[: -len('kernel_h')]
        for key in weights
        if key.endswith('kernel_h') and f'{key[:-1]}w' in weights and weights[key].dim() == 2
    ]
    if not names:
        raise InputError(
            f'{path} has no matrices of global interpolation (no keys ...kernel_h and ...kernel_w); give '
            'a checkpoint of a model with GlobalInterpHead.'
        )
    title = '/'.join(Path(path).parts[-2:])
    for name in names:
        kernels = (weights[f'{name}kernel_{side}'].float().numpy() for side in 'hw')
        yield KernelPair(title if len(names) == 1 else f'{title}: {name.rstrip(".")}', *kernels)


def _from_array(path: str) -> np.ndarray:
    kernel = read_kernel(path)
    if kernel.ndim != 2:
        raise InputError(f'{path} has {kernel.ndim} axes instead of the two of a matrix.')
    # The release stores (h, H), and upsampling makes H the larger one.
    return kernel if kernel.shape[0] >= kernel.shape[1] else kernel.T


def _with_positive_signs(pair: KernelPair) -> KernelPair:
    if pair.kernel_h.sum() < 0 and pair.kernel_w.sum() < 0:
        return KernelPair(f'{pair.title} (both with the opposite sign)', -pair.kernel_h, -pair.kernel_w)
    return pair
