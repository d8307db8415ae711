"""A checkpoint of a stock model in its GDN variant, before any training: whole models, from file to prediction."""

from __future__ import annotations

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from mmseg_gdn.models.variant import gdn_model
from sweep import read_stock_config, thin_model

# Family, config, and size of the coarse scores of a 64x96 (align_corners: 65x97) image.
STOCK = {
    'fcn': ('fcn/fcn_r18-d8_4xb2-80k_cityscapes-512x1024.py', (8, 12)),
    'deeplabv3plus': ('deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024.py', (16, 24)),
    'bisenetv2': ('bisenetv2/bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024.py', (8, 12)),
    'pspnet': ('mobilenet_v2/mobilenet-v2-d8_pspnet_4xb2-80k_cityscapes-512x1024.py', (8, 12)),
    'segformer': ('segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py', (16, 24)),
    'ocrnet': ('ocrnet/ocrnet_hr18s_4xb2-40k_cityscapes-512x1024.py', (16, 24)),
}


def set_align_corners(value: dict | list, align_corners: bool) -> None:
    """Change every ``align_corners`` in a config."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if key == 'align_corners':
            value[key] = align_corners
        elif isinstance(item, (dict, list)):
            set_align_corners(item, align_corners)


def samples(size: tuple[int, int]) -> list[SegDataSample]:
    """Labels of a batch whose images were enlarged by half, flipped and padded."""
    meta = dict(
        img_shape=(size[0] - 4, size[1] - 7),
        pad_shape=size,
        img_padding_size=[0, 7, 0, 4],
        flip=True,
        flip_direction='horizontal',
        ori_shape=(40, 59),
    )
    labels = torch.randint(0, 19, (2, 1, *size))
    return [SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=meta) for label in labels]


def build_stock(model: dict, images: torch.Tensor, batch: list[SegDataSample]) -> nn.Module:
    """A stock model that has seen the images and whose scores differ as much between pixels as between classes."""
    stock = MODELS.build(model)
    for name, module in stock.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
        if name.endswith('conv_seg'):
            nn.init.normal_(module.weight)
            nn.init.zeros_(module.bias)
    with torch.no_grad():
        stock.train().loss(images, batch)
    return stock.eval()


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('family', STOCK)
def test_equal_on_day_one(family, align_corners, tmp_path):
    name, in_size = STOCK[family]
    size = (64 + align_corners, 96 + align_corners)
    in_size = tuple(side + align_corners for side in in_size)
    model = thin_model(read_stock_config(name).model, size)
    set_align_corners(model, align_corners)
    images, batch = torch.randn(2, 3, *size), samples(size)
    stock = build_stock(model, images, batch)
    torch.save(dict(state_dict=stock.state_dict(), meta={}), tmp_path / 'stock.pth')

    variant = MODELS.build(gdn_model(model, in_size, size)).eval()
    result = variant.load_state_dict(torch.load(tmp_path / 'stock.pth')['state_dict'], strict=False)
    prefix = 'decode_head.1' if family == 'ocrnet' else 'decode_head'
    assert result.missing_keys == [f'{prefix}.interp.kernel_h', f'{prefix}.interp.kernel_w']
    assert result.unexpected_keys == []

    with torch.no_grad():
        wanted = stock.predict(images, samples(size))
        predicted = variant.predict(images, samples(size))
    for one, other in zip(predicted, wanted):
        assert one.seg_logits.data.shape[1:] == (40, 59)
        assert other.seg_logits.data.std() > 1e-2
        torch.testing.assert_close(one.seg_logits.data, other.seg_logits.data, rtol=0, atol=1e-4)
        assert (one.pred_sem_seg.data == other.pred_sem_seg.data).double().mean() >= 0.999
        assert other.pred_sem_seg.data.unique().numel() > 1

    losses = variant.train().loss(images, batch)
    assert variant.parse_losses(losses)[0].isfinite()
