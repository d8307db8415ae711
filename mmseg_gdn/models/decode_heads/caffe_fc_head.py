"""fc6, fc7 and the score layer of the Caffe networks FCN-32s and DeepLab-LargeFOV."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor, nn

from mmseg_gdn.utils import InputError

from .sizes import input_size, label_size

_DECONV_KERNEL, _DECONV_STRIDE, _DECONV_CROP = 64, 32, 19
_SCORE_INIT = {
    'fcn32s': dict(type='Constant', val=0, name='conv_seg'),
    'largefov': dict(type='Normal', std=0.01, name='conv_seg'),
}


@MODELS.register_module()
class CaffeFCHead(BaseDecodeHead):
    """VGG-16's fully connected layers as convolutions, and the score layer, with Caffe's details.

    - ``'fcn32s'``: fc6 7x7 and fc7 1x1; its full-size scores are the frozen 64/32 bilinear deconvolution cropped
      at offset 19 (``upscore``, ``Crop``).
    - ``'largefov'``: pool5a 3x3 average pooling that counts its padding, fc6 3x3 dilated by 12, fc7 1x1; its
      full-size scores are bilinear.

    Dropout drops single elements (mmseg's heads drop whole channels). ``forward`` returns coarse scores, so the head
    can be the ``base_type`` of :class:`GlobalInterpHead`.

    Args:
        layout: ``'fcn32s'`` or ``'largefov'``.
        in_channels: Channels of the last pool.
        fc_channels: Channels of fc6 and fc7; 4096 for 'fcn32s' and 1024 for 'largefov' when not given.
        num_classes: Number of classes, background included.
        dropout_ratio: Share of dropped elements after fc6 and after fc7.
        init_cfg: Initialisation; when not given, that of Caffe's prototxts for the score layer (zero; Gaussian of
            0.01), and for fc6 and fc7 a Gaussian of 0.005 as in CaffeNet: VGG-16's features are large, so LargeFOV's
            training diverges with the values of Kaiming initialisation.
        **kwargs: ``loss_decode``, ``ignore_index``... of ``BaseDecodeHead``.

    Raises:
        InputError: If ``layout`` is unknown.
    """

    def __init__(
        self,
        layout: Literal['fcn32s', 'largefov'] = 'fcn32s',
        in_channels: int = 512,
        fc_channels: int | None = None,
        num_classes: int = 21,
        *,
        dropout_ratio: float = 0.5,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        if layout not in _SCORE_INIT:
            raise InputError(f"layout must be 'fcn32s' or 'largefov', but got {layout!r}.")
        fc_channels = fc_channels or {'fcn32s': 4096, 'largefov': 1024}[layout]
        kwargs.pop('channels', None)
        super().__init__(
            in_channels,
            fc_channels,
            num_classes=num_classes,
            dropout_ratio=0,
            init_cfg=init_cfg or dict(type='Normal', layer='Conv2d', std=0.005, override=_SCORE_INIT[layout]),
            **kwargs,
        )
        self.layout = layout
        if layout == 'fcn32s':
            self.pool5a: nn.Module = nn.Identity()
            self.fc6 = nn.Conv2d(in_channels, fc_channels, 7)
            # Frozen in Caffe too (lr_mult 0) and the same for every network, so not part of a checkpoint.
            self.register_buffer('upscore', bilinear_filter(_DECONV_KERNEL), persistent=False)
        else:
            self.pool5a = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=True)
            self.fc6 = nn.Conv2d(in_channels, fc_channels, 3, padding=12, dilation=12)
        self.fc7 = nn.Conv2d(fc_channels, fc_channels, 1)
        self.drop6 = nn.Dropout(dropout_ratio)
        self.drop7 = nn.Dropout(dropout_ratio)

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Coarse scores.

        Args:
            inputs: Feature maps of the backbone; the one at ``in_index``, (N, in_channels, h, w), is used.

        Returns:
            Scores, shape (N, num_classes, h - 6, w - 6) for 'fcn32s' and (N, num_classes, h, w) for 'largefov'.
        """
        return self.conv_seg(self.fc7_features(inputs))

    def fc7_features(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Output of fc7 after ReLU and dropout, shape (N, fc_channels, h', w'): the input of the score layer."""
        x = self.pool5a(self._transform_inputs(inputs))
        x = self.drop6(F.relu(self.fc6(x)))
        return self.drop7(F.relu(self.fc7(x)))

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict[str, Tensor]:
        """Mmseg's losses at the size of the labels."""
        return super().loss_by_feat(self._full_size(seg_logits, label_size(batch_data_samples)), batch_data_samples)

    def predict_by_feat(self, seg_logits: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Scores at the size of the network's input."""
        return super().predict_by_feat(self._full_size(seg_logits, input_size(batch_img_metas)), batch_img_metas)

    def deconvolve(self, seg_logits: Tensor) -> Tensor:
        """``upscore`` of FCN-32s alone: coarse scores (N, C, h, w) to (N, C, 32 h + 32, 32 w + 32)."""
        channels = seg_logits.shape[1]
        weight = self.upscore.expand(channels, 1, -1, -1)
        return F.conv_transpose2d(seg_logits, weight, stride=_DECONV_STRIDE, groups=channels)

    def _full_size(self, seg_logits: Tensor, size: tuple[int, int]) -> Tensor:
        """``upscore`` and ``Crop`` of FCN-32s; LargeFOV is left to mmseg's bilinear resizing."""
        if self.layout != 'fcn32s' or tuple(seg_logits.shape[2:]) == size:
            return seg_logits
        full = self.deconvolve(seg_logits)
        available = tuple(side - _DECONV_CROP for side in full.shape[2:])
        if any(have < want for have, want in zip(available, size)):
            raise InputError(
                f'The deconvolution and its crop turn {tuple(seg_logits.shape[2:])} scores into '
                f'{available} at most, but {size} is needed; give the network images of that size.'
            )
        return full[:, :, _DECONV_CROP : _DECONV_CROP + size[0], _DECONV_CROP : _DECONV_CROP + size[1]]


def bilinear_filter(size: int) -> Tensor:
    """Caffe's ``bilinear`` filler for an even kernel: (size, size), the outer product of two tents."""
    factor = size // 2
    tent = 1 - (torch.arange(size, dtype=torch.float64) - (factor - 0.5)).abs() / factor
    return torch.outer(tent, tent).float()
