"""The learned pair of matrices that upsamples coarse maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmseg_gdn.ops import global_interp
from mmseg_gdn.utils import InputError

from .interp_kernels import bilinear_kernel, caffe_bounds, resample_kernel

Size = tuple[int, int]
Init = Literal['bilinear', 'caffe']
SizePolicy = Literal['slice', 'resample', 'error']


class GlobalInterp(nn.Module):
    """Learned global interpolation ``y_c = kernel_h @ x_c @ kernel_w.T`` (GDN paper, equation 1).

    The two matrices are shared by all channels and trained with the rest of the network. They are made for one pair of
    sizes; ``size_policy`` says what happens with other sizes.

    Args:
        in_size: Height and width (h, w) of the coarse maps trained on, in cells.
        out_size: Height and width (H, W) of the full-size maps trained on, in pixels.
        init: ``'bilinear'`` starts as ``F.interpolate(mode='bilinear')``; ``'caffe'`` draws the authors'
            uniform values (``gdn.py`` of their release) and needs ``channels``.
        size_policy: What to do with sizes other than those trained on.

            - ``'resample'``: move the pair to the other grid, keeping its deviation from bilinear interpolation
              (:func:`resample_kernel`). Works for every size.
            - ``'slice'``: use the top-left parts of the matrices, as the authors' inference does. Works for
              sizes up to those trained on.
            - ``'error'``: raise an error.
        align_corners: Which bilinear interpolation ``init='bilinear'`` and ``'resample'`` refer to.
        channels: Number of channels C of the maps; only ``init='caffe'`` needs it.

    Attributes:
        kernel_h: Parameter of shape (H, h).
        kernel_w: Parameter of shape (W, w).

    Raises:
        InputError: If an argument is invalid.

    Example:
        >>> layer = GlobalInterp((16, 16), (500, 500))
        >>> layer(torch.ones(1, 21, 16, 12), out_size=(500, 375)).shape
        torch.Size([1, 21, 500, 375])
    """

    def __init__(
        self,
        in_size: Size,
        out_size: Size,
        init: Init = 'bilinear',
        size_policy: SizePolicy = 'resample',
        align_corners: bool = False,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        self.in_size = _as_size('in_size', in_size)
        self.out_size = _as_size('out_size', out_size)
        self.init = _one_of('init', init, ('bilinear', 'caffe'))
        self.size_policy = _one_of('size_policy', size_policy, ('slice', 'resample', 'error'))
        self.align_corners = align_corners
        self.channels = channels
        if init == 'caffe' and not channels:
            raise InputError(
                "init='caffe' draws from bounds that depend on the number of channels; "
                "give channels=C, or use init='bilinear'."
            )
        self.kernel_h = nn.Parameter(torch.empty(self.out_size[0], self.in_size[0]))
        self.kernel_w = nn.Parameter(torch.empty(self.out_size[1], self.in_size[1]))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set both matrices to their initial values."""
        if self.init == 'caffe' and self.channels:
            bound_h, bound_w = caffe_bounds(self.channels, self.in_size, self.out_size)
            self.kernel_h.uniform_(-bound_h, bound_h)
            self.kernel_w.uniform_(-bound_w, bound_w)
        else:
            self.kernel_h.copy_(self._bilinear(self.out_size[0], self.in_size[0]))
            self.kernel_w.copy_(self._bilinear(self.out_size[1], self.in_size[1]))

    def forward(self, x: Tensor, out_size: Size | None = None) -> Tensor:
        """Upsample coarse maps.

        Args:
            x: Coarse maps, shape (N, C, h, w).
            out_size: Height and width of the result in pixels; the layer's ``out_size`` when not given.

        Returns:
            Full-size maps, shape (N, C, *out_size).

        Raises:
            InputError: If ``size_policy`` does not allow these sizes.
        """
        out_size = self.out_size if out_size is None else (out_size[0], out_size[1])
        return global_interp(x, *self.kernels((x.shape[2], x.shape[3]), out_size))

    def kernels(self, in_size: Size, out_size: Size) -> tuple[Tensor, Tensor]:
        """The pair of matrices that ``size_policy`` gives for maps of other sizes.

        Args:
            in_size: Height and width of the coarse maps.
            out_size: Height and width of the full-size maps.

        Returns:
            Matrices of shape (out_size[0], in_size[0]) and (out_size[1], in_size[1]), differentiable with
            respect to the learned pair.

        Raises:
            InputError: If ``size_policy`` does not allow these sizes.
        """
        if (in_size, out_size) == (self.in_size, self.out_size):
            return self.kernel_h, self.kernel_w
        if self.size_policy == 'resample':
            return (
                resample_kernel(self.kernel_h, out_size[0], in_size[0], self.align_corners),
                resample_kernel(self.kernel_w, out_size[1], in_size[1], self.align_corners),
            )
        if self.size_policy == 'slice' and self._fits(in_size, out_size):
            return self.kernel_h[: out_size[0], : in_size[0]], self.kernel_w[: out_size[1], : in_size[1]]
        raise InputError(self._refusal(in_size, out_size))

    def extra_repr(self) -> str:
        """The arguments, for ``print(model)``."""
        return (
            f'in_size={self.in_size}, out_size={self.out_size}, init={self.init!r}, '
            f'size_policy={self.size_policy!r}, align_corners={self.align_corners}'
        )

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args) -> None:
        """Resample loaded matrices of other sizes, so that a model for another crop keeps what was learned."""
        for name, kernel in self.named_parameters(recurse=False):
            loaded = state_dict.get(prefix + name)
            # A transposed matrix, as Caffe's blobs are, is no matrix for another crop: PyTorch reports the mismatch.
            if loaded is None or loaded.dim() != 2 or loaded.shape in (kernel.shape, kernel.shape[::-1]):
                continue
            fine, coarse = kernel.shape
            state_dict[prefix + name] = resample_kernel(loaded, fine, coarse, self.align_corners)
            print_log(
                f'{prefix}{name}: the {_text(loaded.shape)} matrix of the checkpoint was resampled to '
                f'{_text(kernel.shape)}.',
                'current',
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _bilinear(self, fine: int, coarse: int) -> Tensor:
        return bilinear_kernel(fine, coarse, self.align_corners, dtype=self.kernel_h.dtype)

    def _fits(self, in_size: Size, out_size: Size) -> bool:
        return all(got <= trained for got, trained in zip(in_size + out_size, self.in_size + self.out_size))

    def _refusal(self, in_size: Size, out_size: Size) -> str:
        working = ["'resample'"]
        if self._fits(in_size, out_size):
            working.insert(0, "'slice'")
        return (
            f'The matrices upsample {_text(self.in_size)} maps to {_text(self.out_size)}, but {_text(in_size)} '
            f'maps have to be upsampled to {_text(out_size)}, which size_policy={self.size_policy!r} does not '
            f'allow; set size_policy to {" or ".join(working)}, or in_size and out_size to these sizes.'
        )


def _as_size(name: str, value: Size) -> Size:
    try:
        height, width = value
    except (TypeError, ValueError):
        raise InputError(f'{name} must be a pair (height, width), but got {value!r}.') from None
    if not all(isinstance(side, int) and side > 0 for side in (height, width)):
        raise InputError(f'{name} must be a pair of positive integers, but got {value!r}.')
    return height, width


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise InputError(f'{name} must be one of {", ".join(map(repr, choices))}, but got {value!r}.')
    return value


def _text(size: Sequence[int]) -> str:
    return f'{size[0]}x{size[1]}'
