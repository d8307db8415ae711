"""VGG-16 as in the Caffe networks FCN-32s and DeepLab-LargeFOV."""

from __future__ import annotations

from typing import Literal

from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_gdn.utils import InputError

_CONVS_PER_STAGE = (2, 2, 3, 3, 3)


@MODELS.register_module()
class CaffeVGG(BaseModule):
    """The thirteen convolutions and five pooling layers of VGG-16, with Caffe's sizes.

    Caffe rounds the size of a pooled map up, so every pooling layer has ``ceil_mode=True``. The parameters have the
    keys of mmpretrain's ``VGG(depth=16)``, whose ImageNet checkpoint therefore loads.

    Args:
        layout: ``'fcn32s'``: conv1_1 is padded by 100 px and all pooling is 2x2 with stride 2, output stride 32.
            ``'largefov'``: pooling is 3x3 with padding 1 and strides 2, 2, 2, 1, 1, conv5 is dilated by 2, output
            stride 8.
        widths: Channels of the five stages.
        init_cfg: Initialisation, such as ``dict(type='Pretrained', checkpoint=..., prefix='backbone.')``.

    Raises:
        InputError: If ``layout`` is unknown or there are not five widths.
    """

    def __init__(
        self,
        layout: Literal['fcn32s', 'largefov'] = 'fcn32s',
        widths: tuple[int, ...] = (64, 128, 256, 512, 512),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Kaiming', layer='Conv2d'))
        if layout not in ('fcn32s', 'largefov'):
            raise InputError(f"layout must be 'fcn32s' or 'largefov', but got {layout!r}.")
        if len(widths) != len(_CONVS_PER_STAGE):
            raise InputError(f'widths must be the numbers of channels of the five stages, but got {tuple(widths)}.')
        self.layout = layout
        self.features = nn.Sequential(*_layers(layout, widths))

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Features after the last pooling layer.

        Args:
            x: Images, shape (N, 3, H, W), BGR with the mean subtracted.

        Returns:
            One map, shape (N, widths[-1], h, w): 500 px give 22 cells as 'fcn32s' and 64 as 'largefov'.
        """
        return (self.features(x),)


def _layers(layout: str, widths: tuple[int, ...]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    in_channels = 3
    for stage, (width, convs) in enumerate(zip(widths, _CONVS_PER_STAGE)):
        dilation = 2 if layout == 'largefov' and stage == 4 else 1
        for _ in range(convs):
            padding = 100 if layout == 'fcn32s' and not layers else dilation
            layers.append(ConvModule(in_channels, width, 3, padding=padding, dilation=dilation))
            in_channels = width
        layers.append(_pool(layout, stage))
    return layers


def _pool(layout: str, stage: int) -> nn.MaxPool2d:
    if layout == 'fcn32s':
        return nn.MaxPool2d(2, 2, ceil_mode=True)
    return nn.MaxPool2d(3, stride=2 if stage < 3 else 1, padding=1, ceil_mode=True)
