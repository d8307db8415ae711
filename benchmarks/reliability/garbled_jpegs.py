"""How many damaged JPEGs are noticed: bytes of the compressed data are replaced, cut out or cut off at random."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from mmseg_gdn.utils import InputError, run_tool
from mmseg_gdn.utils.damage import complaint_about, is_cut_off

_REPLACED, _CUT_OUT = (1, 16, 64), 500  # bytes


def damaged(content: bytes, generator: random.Random) -> dict[str, bytes]:
    """The JPEG in each of the ways to be damaged."""
    start = len(content) // 4  # beyond the header
    versions = {}
    for count in _REPLACED:
        place = generator.randrange(start, len(content) - 2 - count)
        versions[f'{count} bytes replaced'] = content[:place] + generator.randbytes(count) + content[place + count :]
    place = generator.randrange(start, len(content) - 2 - _CUT_OUT)
    versions[f'{_CUT_OUT} bytes cut out'] = content[:place] + content[place + _CUT_OUT :]
    versions['cut off'] = content[: generator.randrange(start, len(content) - 1)]
    return versions


def main() -> None:
    """Count."""
    parser = argparse.ArgumentParser(description='Count the damaged JPEGs that are noticed.')
    parser.add_argument('images', type=Path, help='folder of sound JPEGs')
    parser.add_argument('--count', type=int, default=300, help='images to take; default: %(default)s')
    args = parser.parse_args()
    paths = sorted(args.images.glob('*.jpg'))[: args.count]
    if not paths:
        raise InputError(f'There are no .jpg images in {args.images}; name a folder that has some.')
    generator, noticed = random.Random(0), {}
    for path in paths:
        content = path.read_bytes()
        for how, version in dict(sound=content, **damaged(content, generator)).items():
            is_noticed = is_cut_off(version) or complaint_about(version) is not None
            noticed[how] = noticed.get(how, 0) + is_noticed
    for how, count in noticed.items():
        print(f'{how:20}{count:>6} of {len(paths)}')


if __name__ == '__main__':
    run_tool(main)
