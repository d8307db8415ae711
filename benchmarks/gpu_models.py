"""A training iteration of whole models on a GPU: the stock head, and global interpolation with and without kernels."""

from __future__ import annotations

import torch
from gpu_methods import OURS, REFERENCE, STOCK, Call, switched
from mmengine.config import Config
from mmseg.registry import MODELS
from whole_models import batch_of, model_config, training_iteration, with_stock_head

MODELS_MEASURED = {'fcn_r50-d8': 8, 'deeplab-largefov': 8}  # config, images per training iteration


def training_calls(name: str, batch: int, device: torch.device) -> dict[str, Call]:
    """What to time of a config, by method.

    Args:
        name: The part before ``_gdn_voc12aug.py`` of a config in configs/gdn.
        batch: Images per training iteration.
        device: Where to compute.
    """
    config = model_config(name)
    config.decode_head.pop('label_branch', None)
    size = tuple(config.decode_head.out_size)

    def iteration(cfg: Config) -> Call:
        torch.manual_seed(0)
        return training_iteration(MODELS.build(cfg).to(device), batch_of(batch, size))

    ours = iteration(config)
    return {STOCK: iteration(with_stock_head(config)), REFERENCE: switched(False, ours), OURS: switched(True, ours)}
