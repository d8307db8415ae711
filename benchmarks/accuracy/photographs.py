"""Writes two photographs of scikit-image, which anyone may publish, with masks outlined by hand, in VOC's layout.

The astronaut is NASA's and in the public domain, Chelsea the cat is CC0 by Stefan van der Walt. Classes are VOC's; what
VOC would count either way is void: the helmet in her hand, and the cat's chest.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import skimage.data
from PIL import Image, ImageDraw

from mmseg_gdn.utils import run_tool

_OUTLINES = Path(__file__).with_name('outlines.json')
_BACKGROUND = 0


def main() -> None:
    """Write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, help='folder to write to; it gets JPEGImages and SegmentationClass')
    write_photographs(parser.parse_args().folder)


def write_photographs(folder: Path) -> None:
    """Write photographs and masks.

    Args:
        folder: Gets ``JPEGImages/NAME.png`` and ``SegmentationClass/NAME.png``.
    """
    images, masks = folder / 'JPEGImages', folder / 'SegmentationClass'
    for path in (images, masks):
        path.mkdir(parents=True, exist_ok=True)
    for name, outlines in json.loads(_OUTLINES.read_text(encoding='utf-8')).items():
        photograph = Image.fromarray(getattr(skimage.data, name)())
        photograph.save(images / f'{name}.png')
        mask = Image.new('L', photograph.size, _BACKGROUND)
        for outline in outlines:
            ImageDraw.Draw(mask).polygon([tuple(point) for point in outline['points']], fill=outline['label'])
        mask.save(masks / f'{name}.png')


if __name__ == '__main__':
    run_tool(main)
