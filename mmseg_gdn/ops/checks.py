"""Shared by all implementations of the operators: types, the order of the two products, and checks of arguments."""

from __future__ import annotations

import torch
from torch import Tensor

from mmseg_gdn.utils import InputError

Needs = tuple[bool, bool, bool]  # whether the gradients of x, kernel_h and kernel_w are wanted


def rows_first(kernel_h: Tensor, kernel_w: Tensor) -> bool:
    """Whether (K_h x) K_w^T needs no more multiplications per channel than K_h (x K_w^T)."""
    (fine_h, coarse_h), (fine_w, coarse_w) = kernel_h.shape, kernel_w.shape
    return fine_h * coarse_w * (coarse_h + fine_w) <= fine_w * coarse_h * (coarse_w + fine_h)


def precise_dtype(dtype: torch.dtype) -> torch.dtype:
    """The type for sums and logarithms of numbers of type ``dtype``: at least float32."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def valid_pixels(target: Tensor, ignore_index: int) -> Tensor:
    """Which pixels have a label, whatever integers the target holds.

    Args:
        target: Class indices, any shape, any integer type.
        ignore_index: Label of pixels that do not count.

    Returns:
        Whether each pixel counts, in the shape of the target.
    """
    # As an unsigned byte, a negative ignore_index would be another label.
    return target.long() != ignore_index


def check_shapes(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> None:
    """Raise an :class:`InputError` if coarse maps and matrices do not fit each other."""
    if x.dim() != 4 or kernel_h.dim() != 2 or kernel_w.dim() != 2:
        raise InputError(
            'global_interp takes x (N, C, h, w), kernel_h (H, h) and kernel_w (W, w), but got '
            f'{tuple(x.shape)}, {tuple(kernel_h.shape)} and {tuple(kernel_w.shape)}.'
        )
    if (kernel_h.shape[1], kernel_w.shape[1]) != tuple(x.shape[2:]):
        raise InputError(
            f'The matrices read {kernel_h.shape[1]}x{kernel_w.shape[1]} maps '
            f'(kernel_h {tuple(kernel_h.shape)}, kernel_w {tuple(kernel_w.shape)}), '
            f'but x is {x.shape[2]}x{x.shape[3]}; give matrices whose second sides equal those of x.'
        )


def check_classes(x: Tensor) -> None:
    """Raise an :class:`InputError` if there are no classes of which one could be the best."""
    if x.shape[1] == 0:
        raise InputError(
            f'x has the shape {tuple(x.shape)}, with scores for 0 classes; give scores (N, C, h, w) for '
            'at least one class.'
        )


def check_labels(lowest: int, highest: int, classes: int, ignore_index: int) -> None:
    """Raise an :class:`InputError` if the lowest or the highest label is not a class."""
    if lowest < 0 or highest >= classes:
        raise InputError(
            f'The target holds the label {lowest if lowest < 0 else highest}, but there are scores for '
            f'{classes} classes; labels are 0 to {classes - 1} or ignore_index={ignore_index}.'
        )
