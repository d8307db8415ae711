"""Check a VOC 2012 folder: lists, counts per list and class, missing or unreadable files, illegal values, sizes."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from mmengine.utils import ProgressBar

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, run_tool


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--data-root', default='data/VOCdevkit/VOC2012', help='default: %(default)s')
    parser.add_argument(
        '--any-count', action='store_true', help='accept other numbers of images, for an extract of VOC'
    )
    parser.add_argument('--max-lines', type=int, default=50, help='defects shown; default: %(default)s')
    parser.add_argument('--workers', type=positive, default=os.cpu_count(), help='processes; default: %(default)s')
    return parser.parse_args()


def positive(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError('must be 1 or more')
    return number


def main() -> int:
    """Check."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    from voc_defects import EXPECTED, class_defects, count_defects, file_defects, list_defects, read_lists

    root = Path(args.data_root)
    if not root.is_dir():
        raise InputError(
            f'There is no folder {root}; name the folder VOC2012 by --data-root, or get the data with: '
            'python tools/dataset_converters/get_voc.py'
        )
    lists, unusable = read_lists(root)
    if not lists and not unusable:
        raise InputError(f'{root} has no lists in ImageSets/Segmentation; name the folder VOC2012 by --data-root.')
    print(f'{"list":10}{"images":>8}{"VOC 2012":>10}')
    for name, expected in EXPECTED.items():
        print(f'{name:10}{len(lists[name]) if name in lists else "-":>8}{expected:>10}')

    defects = list(unusable.values())
    if not args.any_count:
        defects += count_defects(lists, unusable)
    defects += list_defects(lists)
    of_files, counts = file_defects(root, lists, args.workers, show_progress)
    print_classes(counts)
    defects += [*class_defects(counts), *of_files]
    for defect in defects[: args.max_lines]:
        print(defect)
    if len(defects) > args.max_lines:
        print(f'... and {len(defects) - args.max_lines} more')
    print(f'{root}: {len(defects)} defects')
    return 1 if defects else 0


def print_classes(counts: dict[str, Counter[int]]) -> None:
    """Print in how many masks of each list each label is."""
    from mmseg_gdn.datasets import CheckedVOCDataset
    from mmseg_gdn.evaluation.voc_palette import VOID

    print(f'{"masks with":17}' + ''.join(f'{name:>10}' for name in counts))
    for label, name in [*enumerate(CheckedVOCDataset.METAINFO['classes']), (VOID, 'void')]:
        print(f'{label:>3} {name:13}' + ''.join(f'{labels[label]:>10}' for labels in counts.values()))


def show_progress(items: Iterable, count: int) -> Iterator:
    """Yield the items, and show on standard error how many have arrived."""
    bar = ProgressBar(count, file=sys.stderr)
    for item in items:
        yield item
        bar.update()
    print(file=sys.stderr)


if __name__ == '__main__':
    run_tool(main)
