"""Pack a folder of your own masks as an archive for the VOC server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.ids import archive_names, read_ids
from mmseg_gdn.utils.masks import read_mask

if TYPE_CHECKING:
    import numpy as np

_MAX_LINES = 20


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description='Pack one mask per image, a PNG <name>.png with class indices (palette or grey), for the VOC '
        'server. Nothing is written unless every mask can be submitted.'
    )
    parser.add_argument('masks', help='folder of the masks')
    parser.add_argument(
        '--ids', metavar='LIST', required=True, help="names of the images, one per line, such as VOC's test.txt"
    )
    parser.add_argument('--out', metavar='OUT.tar.gz', required=True, help='the archive')
    parser.add_argument(
        '--competition',
        choices=['comp5', 'comp6'],
        default='comp6',
        help='comp5: trained on VOC trainval only; comp6 (default): other training data, too',
    )
    parser.add_argument('--images', metavar='FOLDER', help='JPEGImages, to compare sizes with')
    return parser.parse_args()


def main() -> None:
    """Pack."""
    args = parse_args()
    import_parts()  # takes seconds, and --help needs none of it
    from mmseg_gdn.evaluation.check_submission import check_submission
    from mmseg_gdn.evaluation.voc_archive import require_archive_name, write_archive

    folder = Path(args.masks)
    if not folder.is_dir():
        raise InputError(f'There is no folder {folder}; name the one with your masks.')
    require_archive_name(args.out)
    ids = read_ids(args.ids)
    archive_names(ids, f'The list {args.ids}')
    write_archive(
        args.out,
        read_masks(folder, ids, args.ids),
        args.competition,
        lambda partial: _stop_at(check_submission(partial, ids, args.images)[1]),
    )
    left_out = len({path.stem for path in folder.glob('*.png')} - set(ids))
    note = f'; {left_out} other masks in {folder} were left out' if left_out else ''
    print(f'{args.out}: {len(ids)} predictions for {args.competition}, 0 defects{note}')


def read_masks(folder: Path, ids: list[str], list_name: str) -> dict[str, bytes]:
    """Read masks and encode them as the VOC server wants them.

    Args:
        folder: Where they are.
        ids: Names of the images.
        list_name: Where the names are from; for the message.

    Returns:
        Palette PNGs by name.

    Raises:
        InputError: If a mask is missing or cannot be submitted; one line for each such mask.
    """
    from mmseg_gdn.evaluation.voc_archive import encode_mask

    missing = [name for name in ids if not (folder / f'{name}.png').is_file()]
    if missing:
        raise InputError(
            f'{len(missing)} of the {len(ids)} masks that {list_name} names are not in {folder}, the '
            f'first of them {missing[0]}.png; add them as PNGs, or name another list by --ids.'
        )
    masks, defects = {}, []
    for name in ids:
        path = folder / f'{name}.png'
        try:
            masks[name] = encode_mask(class_indices(path))
        except InputError as error:
            defects.append(str(error))
    _stop_at(defects)
    return masks


def class_indices(path: Path) -> np.ndarray:
    """Class indices of a mask, shape (H, W).

    Raises:
        InputError: If the file is not a mask of class indices 0..20.
    """
    from mmseg_gdn.evaluation.voc_palette import NUM_CLASSES, misleading_colours

    mask = read_mask(path)
    for value, label in misleading_colours(mask):
        raise InputError(
            f"{path} has the colour of VOC's label {label} for the value {value}; save class indices, not "
            'colours that a program has numbered.'
        )
    unknown = [value for value in mask.values if not 0 <= value < NUM_CLASSES]
    if unknown:
        raise InputError(
            f'{path} holds the value {unknown[-1]}, but each pixel needs a class 0..{NUM_CLASSES - 1}; '
            'save predicted classes, without void.'
        )
    return mask.labels


def _stop_at(defects: list[str]) -> None:
    if defects:
        more = [f'... and {len(defects) - _MAX_LINES} more'] if len(defects) > _MAX_LINES else []
        raise InputError('\n'.join(['no archive was written:', *defects[:_MAX_LINES], *more]))


if __name__ == '__main__':
    run_tool(main)
