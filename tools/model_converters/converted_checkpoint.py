"""Writing converted Caffe weights as an mmseg checkpoint, and saying what was converted."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from mmseg.datasets import PascalVOCDataset

import mmseg_gdn
from mmseg_gdn.caffe import Conversion
from mmseg_gdn.caffe.reader import printable

_LAYERS = ('decode_head.fc6', 'decode_head.fc7', 'decode_head.conv_seg')
_WITH_FC = {'fcn32s': 'vgg16', 'largefov': 'vgg16-reduced'}


def save_checkpoint(conversion: Conversion, source: Path, layout: str, path: Path) -> None:
    """Write the checkpoint, with where the weights come from.

    Args:
        conversion: The weights.
        source: The file they were converted from.
        layout: The network they are for.
        path: The checkpoint.
    """
    state = {key: torch.from_numpy(array) for key, array in conversion.state.items()}
    torch.save(dict(meta=_meta(source, layout), state_dict=state), path)


def report(conversion: Conversion) -> None:
    """Print every layer used and every one left over."""
    for name, key in conversion.used.items():
        weight = conversion.state.get(f'{key}.weight')
        print(f'used       {printable(name):12} -> {key}' + (f' {tuple(weight.shape)}' if weight is not None else ''))
    for side in 'hw':
        kernel = conversion.state.get(f'decode_head.interp.kernel_{side}')
        if kernel is not None:
            print(f'used       {"matrix":12} -> decode_head.interp.kernel_{side} {kernel.shape}')
    for name, reason in conversion.left_over.items():
        print(f'left over  {printable(name):12}    {reason}')


def about_missing_layers(conversion: Conversion, layout: str) -> str:
    """A sentence about the layers of the network for which there are no weights.

    Args:
        conversion: The weights.
        layout: The network they are for.

    Returns:
        The sentence; it names where to get fc6 and fc7 if they are missing.
    """
    missing = [layer for layer in _LAYERS if f'{layer}.weight' not in conversion.state]
    if not missing:
        has_matrices = 'decode_head.interp.kernel_h' in conversion.state
        return 'All layers of the network have trained weights' + (
            '.' if has_matrices else ", but GDN's matrices start as the config initialises them."
        )
    text = (
        f'Not in these weights: {", ".join(missing)}. They start as the config initialises them: '
        "FCN-32s' score layer (conv_seg) at zero, other layers randomly. So do GDN's matrices, by their init, and "
        'the label branch.'
    )
    if 'decode_head.fc6' in missing:
        text += (
            f' fc6 and fc7 of the layout {layout}, trained on ImageNet: python '
            f'tools/model_converters/get_weights.py {_WITH_FC[layout]} --out OTHER.pth'
        )
    return text


def _meta(source: Path, layout: str) -> dict:
    """Where the weights come from, and the classes in the form of mmseg's checkpoints."""
    digest = hashlib.sha256()
    with source.open('rb') as file:
        for block in iter(lambda: file.read(2**20), b''):
            digest.update(block)
    return dict(
        source=source.name,
        sha256=digest.hexdigest(),
        layout=layout,
        mmseg_gdn=mmseg_gdn.__version__,
        dataset_meta=dict(PascalVOCDataset.METAINFO),
    )
