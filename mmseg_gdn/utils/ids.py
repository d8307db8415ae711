"""Lists of image names, such as VOC's ``ImageSets/Segmentation/test.txt``: the only place that reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from .errors import InputError
from .images import IMAGE_SUFFIXES
from .regular import other_kind

_WANTED = 'give a text file in UTF-8 with one image name per line, without suffix'
_LARGEST_LIST = 2**26  # characters; a list of a million images has 2**24
_LONGEST_PART = 240  # bytes; file systems allow 255 with the suffix
# Tabs, several blanks in a row, and the -1 of VOC's lists of single classes stand between or in columns.
_COLUMNS = re.compile(r'[^\S ]|  | -1$')
_FLAGGED = re.compile(r'(\S+) [01]')


def read_ids(path: str | Path) -> list[str]:
    """The image names in a list, one per line.

    Blank lines, spaces around names, byte order marks and all kinds of line ends are ignored. Names may be in folders,
    and may have blanks inside.

    Args:
        path: A text file in UTF-8.

    Returns:
        The names, in the order of the list.

    Raises:
        InputError: If the list is missing, unreadable or empty, if a line is not an image name, or if a name occurs
            twice; the message names the list, the line and the wanted form.
    """
    first_lines: dict[str, int] = {}
    for number, line in enumerate(_read_text(path).split('\n'), 1):
        name = line.replace('\ufeff', '').strip()
        if not name:
            continue
        problem = _problem(name)
        if problem:
            raise InputError(
                f'The list {path} has {_shortened(name)!r} in line {number}, which is not an image name '
                f'({problem}); {_WANTED}.'
            )
        if name in first_lines:
            raise InputError(
                f'The list {path} names {name} twice, in lines {first_lines[name]} and {number}; remove one of them.'
            )
        first_lines[name] = number
    if not first_lines:
        raise InputError(f'The list {path} names no images; {_WANTED}.')
    _require_one_column(path, first_lines)
    return list(first_lines)


def archive_names(ids: Iterable[str], source: str) -> dict[str, str]:
    """The names that predictions get in an archive: those of the images without their folders.

    Args:
        ids: Image names, possibly in folders.
        source: Where they are from; for the message.

    Returns:
        The image name for each name in the archive.

    Raises:
        InputError: If two images would get the same name, or if a name leaves the archive's folder.
    """
    names: dict[str, str] = {}
    for image_id in ids:
        problem = _problem(image_id)
        if problem:
            raise InputError(
                f'{source} has {_shortened(image_id)!r}, which cannot be the name of a prediction in an '
                f'archive ({problem}); rename the image.'
            )
        name = PurePosixPath(image_id).name
        if name in names:
            raise InputError(
                f'{source} names {names[name]} and {image_id}, whose predictions would both be called '
                f'{name}.png; rename one of the images, or take it off the list.'
            )
        names[name] = image_id
    return names


def hint_at_column(name: str) -> str:
    """What to think of where a file is missing and its name may be a name and a second column.

    A list of a single line does not show which of both it is; longer ones are refused by :func:`read_ids`.

    Args:
        name: The image name.

    Returns:
        A part of a message; empty if the name does not end in 0 or 1 after a blank.
    """
    flagged = _FLAGGED.fullmatch(name)
    return f' (if the image is {flagged[1]}, remove the second column)' if flagged else ''


def _problem(name: str) -> str | None:
    """Why a text is not an image name."""
    parts = name.split('/')
    if name.startswith('#'):
        return 'it begins like a comment'
    if _COLUMNS.search(name):
        return 'it has several columns'
    if not name.isprintable() or '\\' in name:
        return 'it has characters that names cannot have'
    if parts[0] == '' or re.match('[A-Za-z]:/', name):
        return 'it is an absolute path'
    if '..' in parts:
        return "it leaves the folder by '..'"
    if '' in parts or '.' in parts:
        return 'it has an empty folder'
    if name.lower().endswith(IMAGE_SUFFIXES):
        return 'it has a suffix'
    if any(len(part.encode('utf-8', 'replace')) > _LONGEST_PART for part in parts):
        return 'it is too long'
    return None


def _require_one_column(path: str | Path, lines: dict[str, int]) -> None:
    """Refuse a second column of 0 and 1, unless the words before it repeat and so belong to the names."""
    names = {match[1] for match in map(_FLAGGED.fullmatch, lines) if match}
    if len(lines) > 1 and len(names) == len(lines):
        name, number = next(iter(lines.items()))
        raise InputError(
            f'The list {path} has {_shortened(name)!r} in line {number} and a second column in every line; {_WANTED}.'
        )


def _read_text(path: str | Path) -> str:
    kind = other_kind(path)
    if kind is not None:
        raise InputError(f'The list {path} is {kind}, which cannot be read twice; {_WANTED}.')
    try:
        with open(path, encoding='utf-8-sig') as file:
            text = file.read(_LARGEST_LIST + 1)
    except FileNotFoundError as error:
        raise InputError(f'There is no list {path} (relative to {Path.cwd()}); {_WANTED}.') from error
    except IsADirectoryError as error:
        raise InputError(f'The list {path} cannot be read, because it is a folder; {_WANTED}.') from error
    except UnicodeDecodeError as error:
        raise InputError(f'The list {path} is not UTF-8 text; {_WANTED}.') from error
    except OSError as error:
        raise InputError(f'The list {path} cannot be read ({error.strerror}); {_WANTED}.') from error
    if len(text) > _LARGEST_LIST:
        raise InputError(f'The list {path} has more than {_LARGEST_LIST} characters; {_WANTED}.')
    return text


def _shortened(line: str) -> str:
    return line if len(line) <= 60 else f'{line[:57]}...'
