"""Reducing a stock model for a small machine."""

from __future__ import annotations

from typing import Any

from mmengine.config import ConfigDict

Size = tuple[int, int]
_MOST_LAYERS = 2
_DEEPEST_RESNET = 50


def thin_model(model: dict, crop: Size) -> ConfigDict:
    """A stock model reduced so that a small machine can try it; of its head, only the normalisation changes.

    It starts from random weights, normalises without other processes, and takes images of ``crop``. Its backbone has at
    most two layers per transformer stage (if maps are taken after certain layers: one for each map), and ResNets are at
    most as deep as ResNet-50; widths are kept.

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
        kept = {
            key: _plain(item)
            for key, item in value.items()
            if not (key == 'pretrained' or (key == 'init_cfg' and 'checkpoint' in str(item)))
        }
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
        # One layer for each map that is taken, so that all maps still differ.
        backbone.update(num_layers=len(taken), out_indices=tuple(range(len(taken))))
    return backbone
