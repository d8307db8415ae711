"""Make lists of images that follow from those of VOC and SBD, and check how many images they have.

    trainaug     VOC's train and the images that SBD adds: 10582 images to train on
    trainvalaug  the same and VOC's val: 12031 images, to train for the test server
    seg11valid   VOC 2011's val without SBD's train: 736 images, on which FCN-32s is validated

seg11valid needs VOC 2011's val (--voc2011-val) and SBD's train (--sbd). Without them, FCN's own list is downloaded and
verified. get_voc.py makes all three.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from derived_lists import COUNTS, published_seg11valid, seg11valid, trainaug, trainvalaug, write_derived
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.download import download
from mmseg_gdn.utils.sources import read_sources

TABLE = Path(__file__).parents[1] / 'sources.json'


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('lists', nargs='+', choices=list(COUNTS), metavar='LIST', help=', '.join(COUNTS))
    parser.add_argument('--data-root', default='data/VOCdevkit/VOC2012', help='default: %(default)s')
    parser.add_argument(
        '--sbd',
        type=Path,
        metavar='DIR',
        help="SBD's folder dataset, with train.txt and val.txt; default: get_voc.py's list aug.txt",
    )
    parser.add_argument(
        '--voc2011-val', type=Path, metavar='LIST', help="VOC 2011's ImageSets/Segmentation/val.txt, for seg11valid"
    )
    parser.add_argument(
        '--downloads', type=Path, default=Path('data/downloads'), help='folder for downloads; default: %(default)s'
    )
    parser.add_argument(
        '--mirror',
        action='append',
        default=[],
        metavar='NAME=URL',
        help='another address for a file of tools/sources.json; its hash stays the same',
    )
    parser.add_argument(
        '--any-count', action='store_true', help='accept other numbers of images, for an extract of VOC'
    )
    return parser.parse_args()


def main() -> None:
    """Make the lists."""
    args = parse_args()
    folder = Path(args.data_root) / 'ImageSets' / 'Segmentation'
    for name in args.lists:
        write_derived(name, make(name, folder, args), folder, args.any_count)


def make(name: str, folder: Path, args: argparse.Namespace) -> list[str]:
    """The images of a list.

    Raises:
        InputError: If a list that it follows from is missing.
    """
    if name == 'trainaug':
        return trainaug(folder, args.sbd)
    if name == 'trainvalaug':
        return trainvalaug(folder, args.sbd)
    if args.voc2011_val is None:
        published = download(read_sources(TABLE, args.mirror)['seg11valid'], args.downloads)
        return published_seg11valid(published, folder, args.any_count)
    if args.sbd is None:
        raise InputError("seg11valid leaves out the images of SBD's train; give SBD's folder dataset by --sbd as well.")
    return seg11valid(args.voc2011_val, args.sbd)


if __name__ == '__main__':
    run_tool(main)
