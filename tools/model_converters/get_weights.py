"""Download pretrained Caffe weights, verify them and convert them to where the configs look for them.

    vgg16          ImageNet VGG-16, where FCN-32s starts
    vgg16-reduced  ImageNet VGG-16 with reduced fc6 and fc7, where DeepLab-LargeFOV starts
    fcn32s-voc     Berkeley's FCN-32s, trained on VOC

Addresses and hashes are in tools/sources.json. A download that was broken off is resumed.
"""

from __future__ import annotations

import argparse
import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from input_format import caffe_input
from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, atomic_write, require_extra, run_tool
from mmseg_gdn.utils.download import download, remaining_bytes
from mmseg_gdn.utils.places import require_file_place, require_folder
from mmseg_gdn.utils.regular import require_no_pipe
from mmseg_gdn.utils.sources import Source, read_sources
from mmseg_gdn.utils.space import require_space

if TYPE_CHECKING:  # importing it takes seconds, and --help does not need it
    from mmseg_gdn.caffe import CaffeLayer

TABLE = Path(__file__).parents[1] / 'sources.json'
_LAYOUTS = {'vgg16': 'fcn32s', 'vgg16-reduced': 'largefov', 'fcn32s-voc': 'fcn32s'}


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('weights', choices=list(_LAYOUTS))
    parser.add_argument(
        '--layout',
        choices=['fcn32s', 'largefov'],
        help='network to convert vgg16 for; default: fcn32s. largefov takes its convolutions only',
    )
    parser.add_argument(
        '--out',
        help='checkpoint to write; default: work_dirs/vgg16_caffe_<layout>.pth, where the '
        'configs look, and work_dirs/fcn32s_voc_caffe.pth for fcn32s-voc',
    )
    parser.add_argument('--downloads', default='data/downloads', help='folder for downloads; default: %(default)s')
    parser.add_argument(
        '--mirror',
        action='append',
        default=[],
        metavar='NAME=URL',
        help='another address for a file of tools/sources.json; its hash stays the same',
    )
    args = parser.parse_args()
    if args.layout and args.weights != 'vgg16':
        parser.error(f'--layout is for vgg16; {args.weights} is for {_LAYOUTS[args.weights]}')
    return args


def main() -> None:
    """Download and convert, unless that was done."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    from converted_checkpoint import about_missing_layers, report, save_checkpoint
    from mmseg_gdn.caffe import convert

    source = read_sources(TABLE, args.mirror)[args.weights]
    layout = args.layout or _LAYOUTS[args.weights]
    out = Path(args.out or default_checkpoint(args.weights, layout))
    if out.exists():
        require_same(out, source, layout)
        print(f'{out}: already converted from {source.file}')
        return
    if is_caffemodel(source):
        require_extra('caffe')
    downloads = Path(args.downloads)
    require_file_place(out, 'the checkpoint', '--out')
    require_folder(downloads, 'the folder of downloads', '--downloads')
    require_space([(downloads, remaining_bytes(source, downloads)), (out.parent, source.megabytes * 10**6)])
    path = download(source, downloads)
    conversion = convert(read_layers(path, source), layout)
    with atomic_write(out) as partial:
        save_checkpoint(conversion, path, layout, partial)
    report(conversion)
    print(f'{out}: {len(conversion.state)} tensors from {source.file}, for the layout {layout}')
    print(about_missing_layers(conversion, layout))


def default_checkpoint(weights: str, layout: str) -> str:
    """Where the configs look for these weights."""
    return 'work_dirs/fcn32s_voc_caffe.pth' if weights == 'fcn32s-voc' else f'work_dirs/vgg16_caffe_{layout}.pth'


def require_same(checkpoint: Path, source: Source, layout: str) -> None:
    """Check that an existing checkpoint has the wanted weights.

    Raises:
        InputError: If it cannot be read or has others.
    """
    import torch

    remedy = 'move it away and run this again, or name another file by --out'
    require_no_pipe(checkpoint)
    try:
        meta = torch.load(checkpoint, map_location='cpu', weights_only=True, mmap=True)['meta']
        found = meta['source'], meta['layout']
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(
            f'{checkpoint} exists but is not a converted checkpoint ({type(error).__name__}); {remedy}.'
        ) from error
    if found != (source.file, layout):
        raise InputError(
            f'{checkpoint} exists but was converted from {found[0]} for {found[1]} instead of from '
            f'{source.file} for {layout}; {remedy}.'
        )


def is_caffemodel(source: Source) -> bool:
    """Whether the file is Caffe's, not PyTorch's."""
    return source.file.endswith('.caffemodel')


def read_layers(path: Path, source: Source) -> dict[str, CaffeLayer]:
    """Layers by Caffe's names, for Caffe's input.

    Raises:
        InputError: If the file is not what it should be.
    """
    from mmseg_gdn.caffe import read_caffemodel
    from reduced_vgg import read_reduced_vgg

    layers = dict(read_caffemodel(path) if is_caffemodel(source) else read_reduced_vgg(path))
    first = layers.get('conv1_1')
    if first is not None and source.input:
        weight, *rest = first.blobs
        layers['conv1_1'] = replace(first, blobs=(caffe_input(weight, **source.input), *rest))
    return layers


if __name__ == '__main__':
    run_tool(main)
