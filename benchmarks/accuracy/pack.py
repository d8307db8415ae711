"""Packs VOC, CamVid and the trunk's weights for another machine, as one archive.

Images and masks are scaled to the size of the experiments.
"""

from __future__ import annotations

import argparse
import tarfile
import tempfile
from pathlib import Path

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from PIL import Image
from recipe import DATA, dataset
from runner import require_weights

from mmseg_gdn.utils import atomic_write, run_tool

WEIGHTS = 'mobilenet_v2_imagenet.pth'  # in the archive
_QUALITY = 85
_LISTS = ('train', 'aug', 'val')


def main() -> None:
    """Pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in DATA:
        parser.add_argument(f'--{name}', type=Path, required=True, help='folder of the data set, see run.py')
    parser.add_argument(
        '--mobilenetv2-weights',
        type=Path,
        default='work_dirs/mobilenet_v2_imagenet.pth',
        help='ImageNet weights of MobileNetV2 (default: %(default)s)',
    )
    parser.add_argument('--out', type=Path, required=True, metavar='DATA.tar', help='archive to write')
    args = parser.parse_args()
    init_default_scope('mmseg')
    pack({name: getattr(args, name) for name in DATA}, args.mobilenetv2_weights, args.out)
    print(f'{args.out}: {args.out.stat().st_size / 2**20:.1f} MiB')


def pack(folders: dict[str, Path], weights: Path, out: Path) -> None:
    """Write the archive, with a folder for each data set in its own layout, and the weights beside them.

    Args:
        folders: Where the data sets lie, by name.
        weights: ImageNet weights of the trunk.
        out: Archive to write.

    Raises:
        InputError: If there are no such weights.
    """
    require_weights('mobilenetv2', weights)
    with tempfile.TemporaryDirectory() as scratch, atomic_write(out) as partial:
        for data, folder in folders.items():
            _write_scaled(data, folder, Path(scratch, data))
        with tarfile.open(partial, 'w') as archive:
            for data in folders:
                archive.add(Path(scratch, data), data)
            archive.add(weights, WEIGHTS)


def _write_scaled(data: str, folder: Path, target: Path) -> None:
    for split in ('train', 'val'):
        images = DATASETS.build(dict(dataset(data, folder, split)))
        for index in range(len(images)):
            files = images.get_data_info(index)
            for key in ('img_path', 'seg_map_path'):
                source = Path(files[key])
                _scale(source, target / source.relative_to(folder), DATA[data]['size'])
    for name in _LISTS if data == 'voc' else ():
        path = target / 'ImageSets/Segmentation' / f'{name}.txt'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((folder / 'ImageSets/Segmentation' / path.name).read_bytes())


def _scale(source: Path, target: Path, size: tuple[int, int]) -> None:
    """Fit an image into a size as mmseg's ``Resize`` does; masks keep their labels."""
    image = Image.open(source)
    is_mask = source.suffix == '.png'
    factor = min(max(size) / max(image.size), min(size) / min(image.size))
    scaled = tuple(int(side * factor + 0.5) for side in image.size)
    target.parent.mkdir(parents=True, exist_ok=True)
    image.resize(scaled, Image.Resampling.NEAREST if is_mask else Image.Resampling.BILINEAR).save(
        target, **({} if is_mask else dict(quality=_QUALITY))
    )


if __name__ == '__main__':
    run_tool(main)
