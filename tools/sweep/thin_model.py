"""What makes a stock model fit a small machine."""

from __future__ import annotations

from typing import Any

from mmengine.config import ConfigDict

Size = tuple[int, int]
_MOST_LAYERS = 2
_DEEPEST_RESNET = 50


def thin_model(model: dict, crop: Size) -> ConfigDict:
    """A stock model as it can be tried on one small machine, with its head untouched but for normalisation.

    It starts from random weights, normalises without other processes, and takes images of ``crop``. Its backbone
    has at most two layers per transformer stage (where maps are taken out by layer: one for each), and ResNets at
    most the depth of ResNet-50; widths stay.

    Args:
        model: ``model`` of a stock config.
        crop: Height and width of the images.

    Returns:
        The thinned model.
    """
    model = {key: value for key, value in model.items() if key not in ('data_preprocessor', 'pretrained')}
    model = _plain(model)
    if 'backbone' in model:
        model['backbone'] = _thin_backbone(model['backbone'], crop)
    if model.get('test_cfg') is not None:
        model['test_cfg'] = dict(model['test_cfg'], mode='whole')
    # Segmentors read some of their settings as attributes.
    return ConfigDict(model)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _plain(item) for key, item in value.items()
                if not (key == 'pretrained' or (key == 'init_cfg' and 'checkpoint' in str(item)))}
        if kept.get('type') == 'SyncBN':
            kept['type'] = 'BN'
        return kept
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value)
    return value


def _thin_backbone(backbone: dict, crop: Size) -> dict:
    backbone = dict(backbone)
    if 'img_size' in backbone:
        backbone['img_size'] = crop
    for key in ('depths', 'num_layers'):
        if isinstance(backbone.get(key), (list, tuple)):
            backbone[key] = [min(layers, _MOST_LAYERS) for layers in backbone[key]]
    for part in (backbone, backbone.get('backbone_cfg') or {}):
        if isinstance(part.get('depth'), int):
            part['depth'] = min(part['depth'], _DEEPEST_RESNET)
    taken = backbone.get('out_indices')
    if isinstance(backbone.get('num_layers'), int) and isinstance(taken, (list, tuple)):
        # One layer per map that is taken out, so that every one of them still differs.
        backbone.update(num_layers=len(taken), out_indices=tuple(range(len(taken))))
    return backbone
