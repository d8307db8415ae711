"""Turning the config of a stock model into that of its GDN variant."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import mmseg
import torch
from mmengine.config import Config, ConfigDict
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmseg_gdn.models.registered import registered_class
from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.type_names import type_name

Size = tuple[int, int]

# custom_keys of an optimizer: at the network's own learning rate the matrices hardly move away from bilinear
# interpolation, and weight decay would pull them to zero. Of the factors tried, 1 to 100, the largest gained most
# (benchmarks/accuracy/matrix-rates.md).
KERNEL_KEYS: dict[str, dict[str, float]] = {'interp.kernel': dict(lr_mult=100, decay_mult=0)}
# Devices for building and for running a model. Only shapes matter, but some backbones compute with values while they
# are built, and some layers do not run on the meta device.
_DEVICES = (('meta', 'meta'), ('cpu', 'meta'), ('cpu', 'cpu'))
_PLAIN_CONSTRUCTORS = (None, 'DefaultOptimWrapperConstructor')


def stock_config_folder() -> Path:
    """The folder that ``mmseg::`` stands for in ``_base_``.

    Raises:
        InputError: If the installed mmseg has no configs.
    """
    package = Path(mmseg.__file__).parent
    for folder in (package / '.mim/configs', package.parent / 'configs'):
        if folder.is_dir():
            return folder
    raise InputError(f'The mmseg in {package} has no configs; install a release of mmsegmentation.')


def last_head(model: dict) -> Any:
    """Config of a model's decode head; of the last one in a cascade."""
    heads = model['decode_head']
    return heads[-1] if isinstance(heads, (list, tuple)) else heads


def gdn_segmentor(model: dict) -> str:
    """Type of the GDN variant's segmentor: ``GlobalInterpEncoderDecoder`` in place of ``EncoderDecoder``."""
    return 'GlobalInterpEncoderDecoder' if registered_class(model['type']) is EncoderDecoder else model['type']


def gdn_head_settings(head: dict, in_size: Size, out_size: Size) -> dict:
    """Settings to update the config of a decode head with.

    Args:
        head: Config of the stock head.
        in_size: Height and width of its scores.
        out_size: Height and width of the training crop.

    Returns:
        ``type``, ``base_type``, ``in_size`` and ``out_size``.
    """
    return dict(type='GlobalInterpHead', base_type=head['type'], in_size=in_size, out_size=out_size)


def gdn_model(model: dict, in_size: Size, out_size: Size) -> dict:
    """The GDN variant of a stock model.

    Args:
        model: ``model`` of a stock config.
        in_size: Height and width of the scores of its (last) decode head.
        out_size: Height and width of the training crop.

    Returns:
        The variant; in a cascade the last head is changed.
    """
    model = copy.deepcopy(model)
    model['type'] = gdn_segmentor(model)
    head = last_head(model)
    head.update(gdn_head_settings(head, in_size, out_size))
    return model


def gdn_optim_wrapper_settings(optim_wrapper: dict) -> dict:
    """Settings to merge into the optimizer's config, so that the matrices have a learning rate of their own.

    Args:
        optim_wrapper: ``optim_wrapper`` of a stock config, whose optimizer has an ``lr``.

    Returns:
        ``paramwise_cfg``, and if the config's own constructor may ignore ``custom_keys``, a constructor that does not.
    """
    ((key, options),) = KERNEL_KEYS.items()
    if 'weight_decay' not in optim_wrapper['optimizer']:
        # mmengine accepts decay_mult only if there is a weight decay.
        options = dict(lr_mult=options['lr_mult'], weight_decay=0.0)
    custom_keys = {key: dict(options)}
    constructor = optim_wrapper.get('constructor')
    if constructor in _PLAIN_CONSTRUCTORS:
        return dict(paramwise_cfg=dict(custom_keys=custom_keys))
    return dict(
        constructor='CustomKeysConstructor', paramwise_cfg=dict(base_constructor=constructor, custom_keys=custom_keys)
    )


def training_crop(cfg: Config) -> Size | None:
    """Height and width of the images that a config trains on.

    Args:
        cfg: Config of a segmentor.

    Returns:
        The size that ``data_preprocessor`` pads to, else that of ``RandomCrop``, else the variable ``crop_size``;
        ``None`` if the config has none of them.
    """
    preprocessor = cfg.model.get('data_preprocessor') or {}
    crop = preprocessor.get('size') or _random_crop(cfg.get('train_dataloader')) or cfg.get('crop_size')
    if crop is None:
        return None
    return (crop, crop) if isinstance(crop, int) else tuple(crop)


@torch.no_grad()
def score_size(segmentor: nn.Module, images: Tensor) -> Size:
    """Height and width of the scores that a stock segmentor computes for images.

    Args:
        segmentor: A segmentor in evaluation mode.
        images: Images, shape (N, C, H, W), on the segmentor's device.

    Raises:
        InputError: If its head computes no score map.
    """
    outputs = segmentor(images, mode='tensor')
    while isinstance(outputs, (list, tuple)):
        outputs = outputs[0]
    if not (isinstance(outputs, Tensor) and outputs.dim() == 4):
        raise InputError(
            'The decode head computes no score map that could be upsampled; use it as it is, or another head.'
        )
    height, width = outputs.shape[2:]
    return height, width


def find_score_size(model: dict, crop: Size) -> Size:
    """Height and width of the scores that a stock model computes for a crop, on the meta device where possible.

    Args:
        model: ``model`` of a stock config.
        crop: Height and width of the images.

    Returns:
        Height and width of the scores of the (last) decode head.

    Raises:
        InputError: If the model cannot be built or run at this size.
    """
    settings = {key: value for key, value in model.items() if key not in ('data_preprocessor', 'pretrained')}
    channels = (model.get('backbone') or {}).get('in_channels', 3)
    for built_on, run_on in _DEVICES:
        # A model of any kind may fail in any way.
        try:
            with torch.device(built_on):
                segmentor = MODELS.build(ConfigDict(copy.deepcopy(settings))).eval()
            with torch.device(run_on):
                return score_size(segmentor.to(run_on), torch.zeros(1, channels, *crop))
        except InputError:
            raise
        except Exception as error:
            problem = error
    raise InputError(
        f'The model cannot be run on {crop[0]}x{crop[1]} images, which would tell the size of its scores '
        f'({type(problem).__name__}: {" ".join(str(problem).split())[:300]}).'
    ) from problem


def _random_crop(node: Any) -> Any:
    """``crop_size`` of the first ``RandomCrop`` in a config of a data loader."""
    if isinstance(node, dict):
        if type_name(node) == 'RandomCrop':
            return node['crop_size']
        node = list(node.values())
    parts = node if isinstance(node, (list, tuple)) else []
    return next((crop for crop in map(_random_crop, parts) if crop), None)
