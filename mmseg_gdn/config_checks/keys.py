"""Keys of a part that nothing reads."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from mmseg_gdn.utils.built_parts import keys_of, shortened, similar

from .parts import Part
from .source import keys_read, uses

# mmengine takes these out of every part.
_OF_ALL_PARTS = {'type', '_scope_', '_delete_', 'priority'}
# mmengine gives these.
_GIVEN = {'self', 'parameters'}
_CUTOFF = 0.8  # where others may read keys that are not known here


@dataclass
class Problem:
    """What is wrong.

    Args:
        sentence: Which key, where it stands, and what may be meant.
        is_certain: Whether it is an error, and not a warning.
    """

    sentence: str
    is_certain: bool = True


def check_keys(part: Part) -> Iterator[Problem]:
    """Find keys that are not read, or missing.

    Args:
        part: A part of a config.

    Yields:
        A problem for each key that is similar to one that is read, that is known to be ignored, or that is missing.
    """
    known, ignores_others = set(part.read), False
    for reader in part.readers:
        keys, ignores = _arguments(reader)
        known |= keys
        ignores_others = ignores_others or ignores
    functions = [reader for reader in part.readers if not isinstance(reader, type) and not part.takes_all]
    missing = set.intersection(*map(_required, functions)) - part.given.keys() if functions else set()
    for key in sorted(missing):
        yield Problem(f'{part.path} lacks {key}, without which {part.name} does nothing; set {part.path}.{key}.')
    for key, value in part.given.items():
        if key in known or key in _OF_ALL_PARTS or not part.path:
            continue
        setting = f'{part.path}.{key}={shortened(value)}'
        if part.takes_all and not ignores_others:
            if hint := similar(key, known | {'type'}, cutoff=_CUTOFF):
                yield Problem(f'{setting} sets what {part.name} does not read{hint}')
        elif hint := similar(key, known):
            yield Problem(f'{setting} sets what {part.name} does not read{hint}')
        elif part.readers:
            yield Problem(
                f'{setting} sets what {part.name} does not read; remove it, or correct it to one of '
                f'{", ".join(sorted(known))}.'
            )
        elif value is not None:
            yield Problem(
                f'{setting} sets what nothing that is known here reads; remove or correct it.', is_certain=False
            )


@cache
def _arguments(reader: Any) -> tuple[set[str], bool]:
    """Keys that a class or a function takes, and whether it accepts any others and ignores them."""
    keys, _ = keys_of(reader)
    function = reader.__init__ if isinstance(reader, type) else reader  # type: ignore[misc]  # of just this class
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return keys, False
    others = [parameter.name for parameter in parameters if parameter.kind is parameter.VAR_KEYWORD]
    if not others:
        return keys, False
    return keys | keys_read([reader], *others), not uses(function, others[0])


def _required(reader: Any) -> set[str]:
    parameters = inspect.signature(reader).parameters.values()
    return {
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    } - _GIVEN
