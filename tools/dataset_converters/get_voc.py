"""Get PASCAL VOC 2012 with SBD's extra annotations: download, verify, unpack, convert, make the lists, check.

What is done stays: run it again after a break. Addresses and hashes are in tools/sources.json.
The images of VOC's test set are not among this, because the challenge's server provides them after registration.
"""

from __future__ import annotations

import argparse
import os
import runpy
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from mmengine.utils import ProgressBar

from check_voc import positive
from derived_lists import add_missing_lists, require_count
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.download import download, remaining_bytes
from mmseg_gdn.utils.ids import read_ids
from mmseg_gdn.utils.sources import Source, read_sources
from mmseg_gdn.utils.space import require_space
from sbd_masks import convert_masks, merged_lists, write_list
from voc_archives import unpack

TABLE = Path(__file__).parents[1] / 'sources.json'
_SBD_PARTS = {f'benchmark_RELEASE/dataset/{part}': part for part in ('cls', 'train.txt', 'val.txt')}
# An upper estimate: 11355 small annotations, and as many masks made from them.
_SBD_UNPACKED = 200 * 10**6
_VOC_PARTS = {'VOCdevkit/VOC2012': 'VOC2012'}


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data-root', default='data/VOCdevkit', help='gets the folder VOC2012; default: %(default)s')
    parser.add_argument('--downloads', help='folder for the archives; default: downloads, beside the data root')
    parser.add_argument(
        '--mirror',
        action='append',
        default=[],
        metavar='NAME=URL',
        help='another address for a file of tools/sources.json; its hash stays the same',
    )
    parser.add_argument(
        '--any-count', action='store_true', help='accept other numbers of images, for mirrors with an extract of VOC'
    )
    parser.add_argument('--workers', type=positive, default=os.cpu_count(), help='processes; default: %(default)s')
    return parser.parse_args()


def main() -> None:
    """Get what is missing, then check everything."""
    args = parse_args()
    if find_spec('scipy') is None:
        raise InputError('SBD has MATLAB files, which are read by SciPy; run: pip install scipy')
    sources = read_sources(TABLE, args.mirror)
    root = Path(args.data_root) / 'VOC2012'
    downloads = Path(args.downloads or Path(args.data_root).parent / 'downloads')
    has_voc, has_aug = voc_is_there(root), aug_is_there(root)
    require_space(needs(has_voc, has_aug, root, downloads, sources))

    if has_voc:
        print(f'{root}: VOC 2012 is there')
    else:
        archive = download(sources['voc2012-trainval'], downloads)
        print(f'{root}: {unpack(archive, root.parent, _VOC_PARTS)} files of VOC 2012')
    if has_aug:
        print(f'{root}: the masks and lists from SBD are there')
    else:
        add_sbd(root, downloads, sources['sbd'], args)
    add_missing_lists(root / 'ImageSets' / 'Segmentation', sources['seg11valid'], downloads, args.any_count)
    if downloads.is_dir():
        print(f'{downloads}: the archives are no longer needed and may be deleted')
    check(root, args)


def voc_is_there(root: Path) -> bool:
    """Whether every image of VOC's trainval and every mask of train and val exists."""
    lists = [
        root / 'ImageSets' / name for name in ('Main/trainval.txt', 'Segmentation/train.txt', 'Segmentation/val.txt')
    ]
    if not all(path.is_file() for path in lists):
        return False
    images, *masks = (read_ids(path) for path in lists)
    return _all_exist(root / 'JPEGImages', images, '.jpg') and all(
        _all_exist(root / 'SegmentationClass', names, '.png') for names in masks
    )


def aug_is_there(root: Path) -> bool:
    """Whether the merged lists and every mask from SBD that they name exist."""
    aug, trainaug = (root / 'ImageSets' / 'Segmentation' / f'{name}.txt' for name in ('aug', 'trainaug'))
    return aug.is_file() and trainaug.is_file() and _all_exist(root / 'SegmentationClassAug', read_ids(aug), '.png')


def _all_exist(folder: Path, names: list[str], suffix: str) -> bool:
    existing = {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()
    return existing.issuperset(f'{name}{suffix}' for name in names)


def needs(
    has_voc: bool, has_aug: bool, root: Path, downloads: Path, sources: dict[str, Source]
) -> Iterator[tuple[Path, float]]:
    """Folders and the bytes that each is to take."""
    if not has_voc:
        voc = sources['voc2012-trainval']
        yield downloads, remaining_bytes(voc, downloads)
        # The archive is not compressed.
        yield root, voc.megabytes * 10**6
    if not has_aug:
        yield downloads, remaining_bytes(sources['sbd'], downloads)
        yield root, _SBD_UNPACKED


def add_sbd(root: Path, downloads: Path, source: Source, args: argparse.Namespace) -> None:
    """Make the masks ``SegmentationClassAug`` and the lists ``aug.txt`` and ``trainaug.txt``.

    Raises:
        InputError: If the lists do not have VOC's numbers of images.
    """
    sbd, lists = downloads / 'SBD', root / 'ImageSets' / 'Segmentation'
    unpack(download(source, downloads), sbd, _SBD_PARTS)
    aug, trainaug = merged_lists([sbd / 'train.txt', sbd / 'val.txt'], lists)
    require_count('trainaug', trainaug, args.any_count)
    masks = root / 'SegmentationClassAug'
    print(f'{masks}: {convert_masks(sbd / "cls", masks, args.workers, show_progress)} masks from SBD')
    write_list(lists / 'aug.txt', aug)
    write_list(lists / 'trainaug.txt', trainaug)
    shutil.rmtree(sbd)
    print(f'{lists}: trainaug.txt has {len(trainaug)} images, {len(aug)} of them in aug.txt')


def show_progress(items: Iterable, count: int) -> Iterator:
    """Yield the items, and show on standard error how many have arrived."""
    bar = ProgressBar(count, file=sys.stderr)
    for item in items:
        yield item
        bar.update()
    print(file=sys.stderr)


def check(root: Path, args: argparse.Namespace) -> None:
    """Run check_voc.py, which ends this process with its exit status."""
    script = Path(__file__).with_name('check_voc.py')
    sys.argv = [
        str(script),
        '--data-root',
        str(root),
        '--workers',
        str(args.workers),
        *(['--any-count'] if args.any_count else []),
    ]
    runpy.run_path(str(script), run_name='__main__')


if __name__ == '__main__':
    run_tool(main)
