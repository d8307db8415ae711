"""The configs and decode heads of the installed mmseg."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_gdn.models.variant import Size, last_head, stock_config_folder, training_crop
from mmseg_gdn.utils import InputError

# Twelve families whose heads and backbones differ most, each by a config that a CPU runs in seconds.
SAMPLE = (
    'bisenetv2/bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024.py',
    'danet/danet_r50-d8_4xb4-20k_voc12aug-512x512.py',
    'deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-769x769.py',
    'encnet/encnet_r50-d8_4xb4-80k_ade20k-512x512.py',
    'fcn/fcn_r18-d8_4xb2-80k_cityscapes-769x769.py',
    'knet/knet-s3_r50-d8_fcn_8xb2-adamw-80k_ade20k-512x512.py',
    'ocrnet/ocrnet_hr18s_4xb2-40k_cityscapes-512x1024.py',
    'pidnet/pidnet-s_2xb6-120k_1024x1024-cityscapes.py',
    'point_rend/pointrend_r50_4xb2-80k_cityscapes-512x1024.py',
    'segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py',
    'swin/swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py',
    'unet/unet-s5-d16_pspnet_4xb4-40k_drive-64x64.py',
)


@dataclass(frozen=True)
class StockConfig:
    """What a trial needs of a stock config.

    Attributes:
        name: File name with its family's folder, as after ``mmseg::``.
        model: The ``model`` part.
        crop: Height and width of the training crops.
        optim_wrapper: The ``optim_wrapper`` part.
    """

    name: str
    model: dict
    crop: Size
    optim_wrapper: dict

    @property
    def head(self) -> str:
        """Type of the decode head; of the last one in a cascade."""
        return last_head(self.model)['type']


def stock_config_names(families: list[str] | None = None) -> list[str]:
    """Names of the stock configs.

    Args:
        families: Folders to search; all of them when not given.

    Returns:
        Sorted names such as ``'fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py'``.

    Raises:
        InputError: If a family does not exist.
    """
    folder = stock_config_folder()
    known = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name != '_base_')
    unknown = sorted(set(families or ()) - set(known))
    if unknown:
        raise InputError(f'The installed mmseg has no family {", ".join(unknown)}; it has {", ".join(known)}.')
    return [f'{family}/{path.name}' for family in families or known for path in sorted((folder / family).glob('*.py'))]


def read_stock_config(name: str) -> StockConfig:
    """Read a stock config.

    Args:
        name: A name from :func:`stock_config_names`.

    Returns:
        What a trial needs of it.
    """
    # Missing packages must not prevent the check of the head.
    cfg = Config.fromfile(stock_config_folder() / name, import_custom_modules=False)
    return StockConfig(name, cfg.model.to_dict(), training_crop(cfg) or (512, 512), cfg.optim_wrapper.to_dict())


def stock_heads() -> list[str]:
    """Registered names of mmseg's decode heads: those with a loss and predictions."""
    importlib.import_module('mmseg.models')
    return sorted(
        name
        for name, head in MODELS.module_dict.items()
        if head.__module__.startswith('mmseg.models.decode_heads.')
        and hasattr(head, 'loss')
        and hasattr(head, 'predict')
    )
