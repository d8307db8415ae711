"""Small archives with the layout of VOC's and SBD's."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.io import savemat

SBD_MASK = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64) % 21


def pack_voc(voc_root: Path, archive: Path) -> Path:
    """VOC's archive, of a folder that has the lists train and val but nothing from SBD."""
    names = [
        name
        for part in ('train', 'val', 'aug')
        for name in (voc_root / 'ImageSets/Segmentation' / f'{part}.txt').read_text().split()
    ]
    (voc_root / 'ImageSets/Main').mkdir(exist_ok=True)
    (voc_root / 'ImageSets/Main/trainval.txt').write_text(''.join(f'{name}\n' for name in names))
    with tarfile.open(archive, 'w') as tar:
        for path in sorted(voc_root.rglob('*')):
            if path.parent.name != 'SegmentationClassAug' and path.name not in ('aug.txt', 'test.txt'):
                tar.add(path, f'VOCdevkit/VOC2012/{path.relative_to(voc_root)}', recursive=False)
    return archive


def write_sbd(folder: Path, lists: Mapping[str, str]) -> Path:
    """SBD's ``dataset``: an annotation for each name of the lists."""
    (folder / 'cls').mkdir(parents=True)
    for part, names in lists.items():
        (folder / f'{part}.txt').write_text(''.join(f'{name}\n' for name in names))
        for name in names:
            savemat(folder / 'cls' / f'{name}.mat', {'GTcls': {'Segmentation': SBD_MASK}})
    return folder


def pack_sbd(folder: Path, archive: Path) -> Path:
    """SBD's archive, with images that nobody needs."""
    (folder / 'img').mkdir()
    (folder / 'img/a.jpg').write_bytes(b'an image')
    with tarfile.open(archive, 'w:gz') as tar:
        tar.add(folder, 'benchmark_RELEASE/dataset')
    return archive
