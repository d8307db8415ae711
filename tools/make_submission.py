"""Pack a folder of your own masks as an archive for the VOC server."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from mmseg_gdn.evaluation.check_submission import check_submission
from mmseg_gdn.evaluation.voc_archive import COMPETITIONS, NUM_CLASSES, encode_mask, require_archive_name, write_archive
from mmseg_gdn.evaluation.voc_palette import voc_palette
from mmseg_gdn.utils import InputError, atomic_write, run_tool
from mmseg_gdn.utils.ids import read_ids

_MAX_LINES = 20


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description='Pack one mask per image, a PNG <name>.png with class indices (palette or grey), for the VOC '
        'server. Nothing is written unless every mask can be submitted.')
    parser.add_argument('masks', help='folder of the masks')
    parser.add_argument('--ids', metavar='LIST', required=True,
                        help="names of the images, one per line, such as VOC's test.txt")
    parser.add_argument('--out', metavar='OUT.tar.gz', required=True, help='the archive')
    parser.add_argument('--competition', choices=COMPETITIONS, default='comp6',
                        help='comp5: trained on VOC trainval only; comp6 (default): other training data, too')
    parser.add_argument('--images', metavar='FOLDER', help='JPEGImages, to compare sizes with')
    return parser.parse_args()


def main() -> None:
    """Pack."""
    args = parse_args()
    folder = Path(args.masks)
    if not folder.is_dir():
        raise InputError(f'There is no folder {folder}; name the one with your masks.')
    require_archive_name(args.out)
    ids = read_ids(args.ids)
    with atomic_write(args.out) as partial:
        write_archive(partial, read_masks(folder, ids, args.ids), args.competition)
        _, defects = check_submission(partial, ids, args.images)
        _stop_at(defects)
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
    missing = [name for name in ids if not (folder / f'{name}.png').is_file()]
    if missing:
        raise InputError(f'{len(missing)} of the {len(ids)} masks that {list_name} names are not in {folder}, the '
                         f'first of them {missing[0]}.png; add them as PNGs, or name another list by --ids.')
    masks, defects = {}, []
    for name in ids:
        path = folder / f'{name}.png'
        try:
            masks[name] = encode_mask(read_mask(path))
        except InputError as error:
            defects.append(str(error))
    _stop_at(defects)
    return masks


def read_mask(path: Path) -> np.ndarray:
    """Class indices of a mask, shape (H, W), uint8.

    Raises:
        InputError: If the file is not a PNG of 8-bit class indices 0..20.
    """
    try:
        with Image.open(path, formats=['PNG']) as image:
            raw_mode = image.tile[0][3]
            image.load()
    # Pillow reports broken files by many kinds of exceptions.
    except Exception as error:
        raise InputError(f'{path} cannot be read as a PNG ({type(error).__name__}); save the mask again.') from error
    # Pillow spreads the values of grey PNGs of fewer bits over 0..255.
    if image.mode != 'P' and (image.mode, raw_mode) != ('L', 'L'):
        raise InputError(f'{path} is {_kind(image.mode)}; save class indices as an 8-bit PNG with a palette (mode P) '
                         'or in grey (mode L).')
    mask = np.asarray(image)
    if mask.max() >= NUM_CLASSES:
        raise InputError(f'{path} holds the value {mask.max()}, but each pixel needs a class 0..{NUM_CLASSES - 1}; '
                         'save predicted classes, without void.')
    if image.mode == 'P':
        _require_indices_of_classes(path, image, mask)
    return mask


def _kind(mode: str) -> str:
    if mode.startswith('I'):
        return 'a 16-bit PNG'
    if mode in ('1', 'L'):
        return 'a grey PNG of fewer than 8 bits per pixel'
    return f'a PNG of mode {mode} (colours or transparency)'


def _require_indices_of_classes(path: Path, image: Image.Image, mask: np.ndarray) -> None:
    """Refuse palettes with VOC's colours in another order, which programs that reduce colours produce."""
    colours = [tuple(colour) for colour in voc_palette()[:NUM_CLASSES].tolist()]
    palette = np.array(image.getpalette('RGB')).reshape(-1, 3).tolist()
    for index in _used_indices(mask, len(palette)):
        colour = tuple(palette[index])
        if colour in colours and colours.index(colour) != index:
            raise InputError(f"{path} has the colour of VOC's class {colours.index(colour)} for the value {index}; "
                             'save class indices, not colours that a program has numbered.')


def _used_indices(mask: np.ndarray, count: int) -> Iterator[int]:
    return (index for index in np.unique(mask).tolist() if index < count)


def _stop_at(defects: list[str]) -> None:
    if defects:
        more = [f'... and {len(defects) - _MAX_LINES} more'] if len(defects) > _MAX_LINES else []
        raise InputError('\n'.join(['no archive was written:', *defects[:_MAX_LINES], *more]))


if __name__ == '__main__':
    run_tool(main)
