"""A training iteration and a test image of whole models: the stock head and the same head with global interpolation."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Callable

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules

from mmseg_gdn.models.segmentors import skip_full_size_scores

_CONFIGS = Path(__file__).resolve().parents[1] / 'configs' / 'gdn'
_GDN_KEYS = 'base_type', 'in_size', 'out_size', 'init', 'size_policy'
MODELS_MEASURED = {'fcn_mobilenet-v2': 4, 'fcn_r50-d8': 2}  # config, images per training iteration


def model_calls(name: str, batch: int, device: torch.device) -> dict[str, dict[str, Callable[[], object]]]:
    """What to time of a config, by task ('train', 'test') and head ('bilinear', 'ours').

    Args:
        name: The part before ``_gdn_voc12aug.py`` of a config in configs/gdn.
        batch: Images per training iteration.
        device: Where to compute.
    """
    config = model_config(name)
    size = tuple(config.decode_head.out_size)
    calls = {'train': {}, 'test': {}}
    for head, cfg in (('bilinear', with_stock_head(config)), ('ours', config)):
        torch.manual_seed(0)
        calls['train'][head] = training_iteration(MODELS.build(cfg).to(device), batch_of(batch, size))
        calls['test'][head] = _test_image(MODELS.build(_as_tested(cfg)).to(device), batch_of(1, size))
    return calls


def model_config(name: str) -> Config:
    """Config of a model that starts from random weights and has no auxiliary head.

    Args:
        name: The part before ``_gdn_voc12aug.py`` of a config in configs/gdn.
    """
    register_all_modules(init_default_scope=True)
    config = Config.fromfile(_CONFIGS / f'{name}_gdn_voc12aug.py').model
    config.backbone.init_cfg = config.pretrained = config.auxiliary_head = None
    return config


def with_stock_head(config: Config) -> Config:
    """The model with the stock head in place of global interpolation.

    Args:
        config: Config of a model; it stays as it is.
    """
    config = copy.deepcopy(config)
    base_type = config.decode_head.base_type
    for key in _GDN_KEYS:
        config.decode_head.pop(key, None)
    config.decode_head.type = base_type
    return config


def _as_tested(config: Config) -> Config:
    """What ``tools/test.py`` makes of a model."""
    config = copy.deepcopy(config)
    skip_full_size_scores(config)
    return config


def batch_of(count: int, size: tuple[int, int]) -> dict[str, list]:
    """Random images with labels of 21 classes, as a data loader gives them.

    Args:
        count: Number of images.
        size: Their height and width in pixels.
    """
    generator = torch.Generator().manual_seed(0)
    images = [torch.randint(256, (3, *size), dtype=torch.uint8, generator=generator) for _ in range(count)]
    samples = []
    for _ in images:
        sample = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(21, (1, *size), generator=generator)))
        sample.set_metainfo(dict(img_shape=size, ori_shape=size, pad_shape=size))
        samples.append(sample)
    return dict(inputs=images, data_samples=samples)


def training_iteration(model: BaseModel, data: dict[str, list]) -> Callable[[], object]:
    """What to time: a step of SGD.

    Args:
        model: The model.
        data: A batch.
    """
    optimizer = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1e-4))

    def iteration() -> object:
        model.train()
        return model.train_step(copy.copy(data), optimizer)

    return iteration


def _test_image(model: BaseModel, data: dict[str, list]) -> Callable[[], object]:
    def image() -> object:
        model.eval()
        with torch.no_grad():
            return model.test_step(copy.copy(data))

    return image
