"""Fully connected CRF on the pixels of one image, which moves the borders of a segmentation to those of the image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from mmseg_gdn.utils import InputError, require_extra

# The lattice numbers its cells with 16 bits, which far smaller deviations exceed; pydensecrf then crashes.
_SMALLEST_DEVIATION = 0.1
# Keeps the energy of impossible classes finite; it is the smallest normal float32.
_SMALLEST_PROBABILITY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class DenseCRF:
    """Mean-field inference in the model of Kraehenbuehl and Koltun (NIPS 2011), by pydensecrf.

    The energy of a labelling x is the sum of -log p(x_i) over pixels and, over pairs of pixels with different labels,
    of ``bi_w k(bi_xy, bi_rgb) + pos_w k(pos_xy)``. The first kernel (Eq. 3, theta_alpha and theta_beta) is a Gaussian
    of the distance and of the difference in colour, the second one (theta_gamma) of the distance alone. Both are
    normalised symmetrically: k_ij / sqrt(sum_j k_ij sum_i k_ij).

    The defaults are those of DeepLab-LargeFOV's script; other published values are in ``configs/_base_/crf``.

    Args:
        iterations: Mean-field updates; DeepLab fixes 10. With 0, probabilities stay as they are.
        bi_w: Weight of the kernel of distance and colour (``Bi_W`` in DeepLab's scripts, w1 in its paper).
        bi_xy: Its standard deviation in space, in pixels (``Bi_X_STD``, ``Bi_Y_STD``; sigma_alpha).
        bi_rgb: Its standard deviation per colour channel, in steps of 0..255 (``Bi_R_STD`` etc.; sigma_beta).
        pos_w: Weight of the kernel of distance (``POS_W``; w2).
        pos_xy: Its standard deviation, in pixels (``POS_X_STD``, ``POS_Y_STD``; sigma_gamma).

    Raises:
        InputError: If a parameter has no meaning.
    """

    iterations: int = 10
    bi_w: float = 4.0
    bi_xy: float = 49.0
    bi_rgb: float = 5.0
    pos_w: float = 3.0
    pos_xy: float = 3.0

    def __post_init__(self) -> None:
        if not isinstance(self.iterations, int) or isinstance(self.iterations, bool) or self.iterations < 0:
            raise InputError(f'The iterations of the CRF are a whole number, 0 or more, but got {self.iterations!r}.')
        for name, smallest in dict(
            bi_w=0, pos_w=0, bi_xy=_SMALLEST_DEVIATION, bi_rgb=_SMALLEST_DEVIATION, pos_xy=_SMALLEST_DEVIATION
        ).items():
            value = getattr(self, name)
            if not _is_number(value) or value < smallest:
                raise InputError(f'{name} of the CRF is a number, {smallest} or more, but got {value!r}.')

    def refine(self, image: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Infer the probabilities of classes given an image.

        Args:
            image: Shape (H, W, 3), uint8, RGB. Another order of the channels only shifts the error of the lattice.
            probabilities: Softmax at the size of the image, shape (C, H, W), float32, C at least 2.

        Returns:
            Probabilities after the last update, shape (C, H, W), float32.

        Raises:
            InputError: If pydensecrf is missing, or if the arrays are not of these shapes and types.
        """
        _require_image(image)
        _require_probabilities(probabilities, image.shape[:2])
        require_extra('crf')
        from pydensecrf.densecrf import DenseCRF2D

        channels, height, width = probabilities.shape
        energies = -np.log(np.maximum(probabilities, _SMALLEST_PROBABILITY))
        crf = DenseCRF2D(width, height, channels)
        crf.setUnaryEnergy(np.ascontiguousarray(energies.reshape(channels, -1), np.float32))
        crf.addPairwiseGaussian(sxy=self.pos_xy, compat=self.pos_w)
        # pydensecrf takes no read-only arrays.
        crf.addPairwiseBilateral(sxy=self.bi_xy, srgb=self.bi_rgb, rgbim=np.array(image, order='C'), compat=self.bi_w)
        return np.array(crf.inference(self.iterations), np.float32).reshape(probabilities.shape)


def make_crf(settings: dict | None) -> DenseCRF:
    """A CRF with the parameters that a config sets.

    Args:
        settings: Parameters by name; :class:`DenseCRF` says what holds for those that are missing.

    Returns:
        The CRF.

    Raises:
        InputError: If a name is unknown or a parameter has no meaning.
    """
    if not isinstance(settings or {}, Mapping):
        raise InputError(f'crf holds parameters by name, such as dict(bi_w=4, bi_xy=49), but got {settings!r}.')
    settings = dict(settings or {})
    names = [field.name for field in fields(DenseCRF)]
    unknown = sorted(settings.keys() - set(names))
    if unknown:
        raise InputError(f'The CRF has no {" and no ".join(unknown)}; its parameters are {", ".join(names)}.')
    return DenseCRF(**settings)


def require_several_classes(channels: int) -> None:
    """Refuse the scores of a binary model.

    Args:
        channels: Number of score maps.

    Raises:
        InputError: If there is only one.
    """
    if channels < 2:
        raise InputError(
            'The CRF needs scores of two or more classes, but this model has one score map '
            '(out_channels=1); train with out_channels=2, or test without the CRF.'
        )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _require_image(image: np.ndarray) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(
            f'The CRF needs images of shape (H, W, 3) and type uint8, but got {image.shape} and '
            f'{image.dtype}; load colour images of 8 bits.'
        )


def _require_probabilities(probabilities: np.ndarray, size: tuple[int, int]) -> None:
    if probabilities.ndim != 3 or probabilities.shape[1:] != size or probabilities.dtype != np.float32:
        raise InputError(
            f'The CRF needs probabilities of shape (C, {size[0]}, {size[1]}), the size of the image, and '
            f'type float32, but got {probabilities.shape} and {probabilities.dtype}.'
        )
    require_several_classes(len(probabilities))
    if not np.isfinite(probabilities).all():
        raise InputError('The CRF got probabilities that are not finite; check the scores of the network.')
