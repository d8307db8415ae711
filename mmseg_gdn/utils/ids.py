"""Lists of image names, such as VOC's ``ImageSets/Segmentation/test.txt``."""

from __future__ import annotations

import re
from pathlib import Path

from .errors import InputError

# Some data sets have folders of images.
_NAME = re.compile(r'[^\s/\\\x00-\x1f][^\s\\\x00-\x1f]*')
_IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')
_WANTED = 'give a text file with one image name per line, without suffix'


def read_ids(path: str | Path) -> list[str]:
    """The image names in a list, one per line.

    Blank lines, spaces around names, a byte order mark and all kinds of line ends are ignored.

    Args:
        path: A text file in UTF-8.

    Returns:
        The names, in the order of the list.

    Raises:
        InputError: If the list is missing, unreadable or empty, if a line is not an image name, or if a name occurs
            twice; the message names the list and the line.
    """
    first_lines: dict[str, int] = {}
    for number, line in enumerate(_read_text(path).split('\n'), 1):
        name = line.strip()
        if not name:
            continue
        if not _NAME.fullmatch(name) or name.lower().endswith(_IMAGE_SUFFIXES):
            raise InputError(f'The list {path} has {_shortened(name)!r} in line {number}, which is not an image name; '
                             f'{_WANTED}.')
        if name in first_lines:
            raise InputError(f'The list {path} names {name} twice, in lines {first_lines[name]} and {number}; remove '
                             'one of them.')
        first_lines[name] = number
    if not first_lines:
        raise InputError(f'The list {path} names no images; {_WANTED}.')
    return list(first_lines)


def _read_text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding='utf-8-sig')
    except FileNotFoundError as error:
        raise InputError(f'There is no list {path} (relative to {Path.cwd()}); {_WANTED}.') from error
    except UnicodeDecodeError as error:
        raise InputError(f'The list {path} is not UTF-8 text; {_WANTED}.') from error
    except OSError as error:
        raise InputError(f'The list {path} cannot be read ({error.strerror}); {_WANTED}.') from error


def _shortened(line: str) -> str:
    return line if len(line) <= 60 else f'{line[:57]}...'
