"""Heights and widths of every blob at several input sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from mmseg.registry import MODELS
from torch import nn

from mmseg_gdn.utils import InputError

from .check import Check
from .nets import conv_names_and_indices, pool_names_and_indices

_LARGEST = 2000  # pixels: far above what the networks were made for, and no danger to the memory


def check_shapes(table: Mapping[str, Mapping[str, list[int]]]) -> Iterator[Check]:
    """Compare the sizes of convolutions, pooling layers, fully connected layers and scores.

    Args:
        table: Height and width by blob, by net and input size.

    Yields:
        One comparison per net and input size; its error is the number of blobs whose size differs.

    Raises:
        InputError: If it is no such table.
    """
    for name, shapes in table.items():
        _require_sizes(name, shapes)
        layout = 'largefov' if 'pool5a' in shapes else 'fcn32s'
        ours = _sizes(layout, shapes['data'])
        wrong = [blob for blob, size in shapes.items() if ours.get(_unsplit(blob)) != size]
        yield Check(f'{name} ({len(shapes)} blobs)', len(wrong), 0, 'blobs of another size')


def _require_sizes(name: str, shapes: object) -> None:
    sizes = [*shapes.values(), shapes.get('data')] if isinstance(shapes, dict) else [None]
    if not all(isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size) for size in sizes):
        raise InputError(
            f'The table of sizes has no height and width for each blob of {name}, the image (data) among '
            'them; copy it again.'
        )
    if not all(0 < side <= _LARGEST for side in shapes['data']):
        raise InputError(
            f'The table of sizes has an image of {shapes["data"]} pixels for {name}, but sides are 1 to '
            f'{_LARGEST}; copy it again.'
        )


def _unsplit(blob: str) -> str:
    """Caffe copies a blob that several layers read into ``<blob>_<layer>_<top>_split_<n>``."""
    return blob.split('_data_')[0].split('_drop')[0] if '_split_' in blob else blob


@torch.no_grad()
def _sizes(layout: str, size: list[int]) -> dict[str, list[int]]:
    backbone = MODELS.build(dict(type='CaffeVGG', layout=layout, widths=(1,) * 5)).eval()
    head = MODELS.build(dict(type='CaffeFCHead', layout=layout, in_channels=1, in_index=0, fc_channels=1)).eval()
    sizes = {'data': size}
    for name, index in conv_names_and_indices() + pool_names_and_indices():
        _note(sizes, backbone.features[index], name)
    for module, *names in (
        (head.pool5a, 'pool5a'),
        (head.fc6, 'fc6'),
        (head.fc7, 'fc7'),
        (head.conv_seg, 'score_fr', 'fc8_voc12'),
    ):
        _note(sizes, module, *names)
    coarse = head(backbone(torch.zeros(1, 3, *size)))
    if layout == 'fcn32s':
        sizes['upscore'] = list(head.deconvolve(coarse).shape[2:])
        sizes['score'] = list(head.predict_by_feat(coarse, [dict(img_shape=tuple(size))]).shape[2:])
    else:
        sizes['upscore'] = size
    return sizes


def _note(sizes: dict[str, list[int]], module: nn.Module, *names: str) -> None:
    module.register_forward_hook(
        lambda module, args, output: sizes.update({name: list(output.shape[2:]) for name in names})
    )
