"""Ways of upsampling coarse scores, as modules; those with a fixed stride are cropped to the size needed."""

from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F
from cases import Case
from torch import Tensor, nn

from mmseg_gdn.models.layers.interp_kernels import bilinear_kernel
from mmseg_gdn.ops import global_interp


class Bilinear(nn.Module):
    """``F.interpolate``, as stock mmseg has it."""

    def __init__(self, case: Case, align_corners: bool = False) -> None:
        super().__init__()
        self.size = case.fine_h, case.fine_w
        self.align_corners = align_corners

    def forward(self, x: Tensor) -> Tensor:
        """Full-size scores."""
        return F.interpolate(x, self.size, mode='bilinear', align_corners=self.align_corners)


class Deconvolution(nn.Module):
    """Transposed convolution of twice the stride's size, dense or one filter per class."""

    def __init__(self, case: Case, grouped: bool = False) -> None:
        super().__init__()
        self.size, stride = (case.fine_h, case.fine_w), _stride(case)
        self.deconv = nn.ConvTranspose2d(
            case.classes, case.classes, 2 * stride, stride, groups=case.classes if grouped else 1, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Full-size scores."""
        return _crop(self.deconv(x), self.size)


class PixelShuffle(nn.Module):
    """Sub-pixel convolution (Shi et al., CVPR 2016) with a 1x1 filter."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.size, self.stride = (case.fine_h, case.fine_w), _stride(case)
        self.conv = nn.Conv2d(case.classes, case.classes * self.stride**2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Full-size scores."""
        return _crop(F.pixel_shuffle(self.conv(x), self.stride), self.size)


class DySample(nn.Module):
    """Learned sampling points (Liu et al., ICCV 2023): linear offsets, then pixel shuffle; static range, one group."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.size, self.stride = (case.fine_h, case.fine_w), _stride(case)
        self.offset = nn.Conv2d(case.classes, 2 * self.stride**2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Full-size scores."""
        (n, _, h, w), stride = x.shape, self.stride
        offset = F.pixel_shuffle(0.25 * self.offset(x), stride)
        rows, columns = (
            torch.arange(side * stride, device=x.device, dtype=x.dtype).add(0.5) / stride for side in (h, w)
        )
        place = torch.stack(torch.meshgrid(columns, rows, indexing='xy')) + offset.view(n, 2, h * stride, w * stride)
        scale = torch.tensor([2 / w, 2 / h], device=x.device, dtype=x.dtype)
        grid = place.permute(0, 2, 3, 1) * scale - 1
        return _crop(F.grid_sample(x, grid, padding_mode='border', align_corners=False), self.size)


class Carafe(nn.Module):
    """Content-aware reassembly (Wang et al., ICCV 2019); mmcv's compiled operator, which has no CPU kernel."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        from mmcv.ops import CARAFEPack

        self.size = case.fine_h, case.fine_w
        self.carafe = CARAFEPack(case.classes, _stride(case))

    def forward(self, x: Tensor) -> Tensor:
        """Full-size scores."""
        return _crop(self.carafe(x), self.size)


class Kernels(nn.Module):
    """The learnable pair of matrices with ``multiply(x, kernel_h, kernel_w)``."""

    def __init__(self, case: Case, multiply: Callable) -> None:
        super().__init__()
        self.kernel_h = nn.Parameter(bilinear_kernel(case.fine_h, case.h, False, dtype=torch.float32))
        self.kernel_w = nn.Parameter(bilinear_kernel(case.fine_w, case.w, False, dtype=torch.float32))
        self.multiply = multiply

    def forward(self, x: Tensor) -> Tensor:
        """Full-size scores."""
        return self.multiply(x, self.kernel_h, self.kernel_w)


def plain_product(x: Tensor, kernel_h: Tensor, kernel_w: Tensor) -> Tensor:
    """Equation (1) as one would write it down."""
    return torch.matmul(torch.matmul(kernel_h, x), kernel_w.t())


UPSAMPLERS: dict[str, Callable[[Case], nn.Module]] = {
    'bilinear': Bilinear,
    'bilinear, aligned corners': lambda case: Bilinear(case, align_corners=True),
    'deconvolution': Deconvolution,
    'deconvolution by class': lambda case: Deconvolution(case, grouped=True),
    'pixel shuffle': PixelShuffle,
    'DySample': DySample,
    'CARAFE': Carafe,
    'plain product': lambda case: Kernels(case, plain_product),
    'ours': lambda case: Kernels(case, global_interp),
}


def _stride(case: Case) -> int:
    return max(-(-case.fine_h // case.h), -(-case.fine_w // case.w))


def _crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    return x[:, :, : size[0], : size[1]].contiguous()
