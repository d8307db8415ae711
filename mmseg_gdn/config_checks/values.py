"""Values of a part that cannot be what its class or function takes, by the annotations there."""

from __future__ import annotations

import collections.abc
import datetime
import enum
import inspect
import os
import re
import types
import typing
from collections.abc import Iterator
from functools import cache
from numbers import Number
from typing import Any

import torch

from mmseg_gdn.utils.built_parts import shortened

from .keys import Problem
from .parts import Part

_NUMBERS = (bool, int, float, datetime.timedelta)  # a time is given in seconds
_CONTAINERS = (dict, list, tuple, set)
_UNIONS = (typing.Union, getattr(types, 'UnionType', typing.Union))  # the latter since Python 3.10
_NAMED = (torch.device, torch.dtype, enum.Enum)  # which configs give by their names


def check_values(part: Part) -> Iterator[Problem]:
    """Find values that are a text or a container where a number is taken, and the like.

    Args:
        part: A part of a config.

    Yields:
        A problem for each.
    """
    if not part.readers:
        return
    hints = [_hints(reader) for reader in part.readers]
    for key, value in part.given.items():
        # What only some of the possible readers take is none of the others' business.
        misfits = [
            _misfit(f'{part.path}.{key}' if part.path else key, value, found[key]) for found in hints if key in found
        ]
        first = misfits[0] if misfits and all(misfits) else None
        if first is None:
            continue
        path, misfit, hint = first
        # Some annotations are narrower than what is written beside them.
        if misfit is not value or not any(_is_documented(key, value, reader) for reader in part.readers):
            yield Problem(
                f'{path}={shortened(misfit)} is {_kind(misfit)}, where {part.name} takes {_described(hint)}; '
                'correct it.'
            )


@cache
def _hints(reader: Any) -> dict[str, Any]:
    """Annotations by argument, those of a parent's where arguments are handed on to it."""
    functions = (
        [
            vars(parent)['__init__']
            for parent in reversed(reader.__mro__)
            if '__init__' in vars(parent) and parent is not object
        ]
        if isinstance(reader, type)
        else [reader]
    )
    found: dict[str, Any] = {}
    for function in functions:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            continue
        for parameter in parameters:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                hint = _resolved(parameter.annotation, function)
                # A child that says nothing mostly means what its parent says.
                found[parameter.name] = found.get(parameter.name, Any) if hint is parameter.empty else hint
    return found


def _is_documented(key: str, value: Any, reader: Any) -> bool:
    """Whether the description of an argument, or that of a parent's, names the kind of a value."""
    classes = reader.__mro__ if isinstance(reader, type) else (reader,)
    texts = [
        text for one in classes for text in (one.__doc__, getattr(vars(one).get('__init__'), '__doc__', None)) if text
    ]
    described = [
        kinds for text in texts for kinds in re.findall(rf'^\s*{re.escape(key)} \(([^)]*)\)', text, re.MULTILINE)
    ]
    words = {word.lower() for kinds in described for word in re.findall(r'\w+', re.sub(r'\[.*\]', '', kinds))}
    return not words.isdisjoint(next((found for kind, found in _IN_DOCSTRINGS if isinstance(value, kind)), ()))


def _resolved(hint: Any, function: Any) -> Any:
    if not isinstance(hint, str):
        return hint
    try:
        return eval(hint, inspect.unwrap(function).__globals__)
    # An annotation may name what is imported for type checkers only.
    except Exception:
        return Any


def _misfit(path: str, value: Any, hint: Any) -> tuple[str, Any, Any] | None:
    """The setting, or the one inside of it, that cannot be meant by an annotation; none where that is not clear."""
    if not _fits(value, hint):
        return path, value, hint
    if isinstance(value, (list, tuple)):
        for arm in _arms(hint):
            if _is_list_of_parts(arm):
                return next(
                    (found for i, inner in enumerate(value) if (found := _misfit(f'{path}.{i}', inner, _element(arm)))),
                    None,
                )
    if isinstance(value, collections.abc.Mapping) and 'type' not in value:
        for arm in _arms(hint):
            if typing.get_origin(arm) is dict and len(arguments := typing.get_args(arm)) == 2:
                return next(
                    (found for key, inner in value.items() if (found := _misfit(f'{path}.{key}', inner, arguments[1]))),
                    None,
                )
    return None


def _fits(value: Any, hint: Any) -> bool:
    if value is None:
        return True
    arms = _arms(hint)
    if len(arms) > 1:
        return any(_fits(value, arm) for arm in arms)
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return isinstance(value, type(typing.get_args(hint)[0]))
    if _is_list_of_parts(hint):
        return isinstance(value, (list, tuple))
    hint = origin or hint
    if not isinstance(hint, type) or hint in (object, Any):
        return True
    if hint is type(None):
        return False
    if hint in _NUMBERS:
        return isinstance(value, Number) or value == 'inf'  # as PyTorch calls the norm
    if isinstance(value, str) and issubclass(hint, _NAMED):
        return True
    if hint is str:
        # Some that say so take numbers as well, such as a scale beside 'dynamic'.
        return not isinstance(value, _CONTAINERS)
    if issubclass(hint, collections.abc.Mapping):
        # Many parts that say so take several dictionaries as well.
        return not isinstance(value, (Number, str))
    if issubclass(hint, collections.abc.Iterable) and hint.__module__ in ('builtins', 'collections.abc'):
        return not isinstance(value, Number)
    if issubclass(hint, os.PathLike):
        return isinstance(value, (str, os.PathLike))
    # A dictionary in a config stands for an instance.
    return isinstance(value, hint) or not isinstance(value, (Number, str, list, tuple))


def _is_list_of_parts(hint: Any) -> bool:
    """Whether a list is taken whose elements are dictionaries."""
    return typing.get_origin(hint) in (list, collections.abc.Sequence) and any(
        isinstance(kind := typing.get_origin(arm) or arm, type) and issubclass(kind, collections.abc.Mapping)
        for arm in _arms(_element(hint))
    )


def _element(hint: Any) -> Any:
    return (*typing.get_args(hint), Any)[0]


def _arms(hint: Any) -> tuple[Any, ...]:
    """The annotations of which any may hold."""
    return typing.get_args(hint) if typing.get_origin(hint) in _UNIONS else (hint,)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return 'yes or no'
    if isinstance(value, Number):
        return 'a number'
    kinds: dict[type, str] = {str: 'a text', list: 'a list', tuple: 'a list'}
    return kinds.get(type(value), 'a dictionary')


def _described(hint: Any) -> str:
    """An annotation in words."""
    kinds = [typing.get_origin(arm) or arm for arm in _arms(hint) if arm is not type(None)]
    return ' or '.join(dict.fromkeys(filter(None, map(_word, kinds)))) or 'another kind'


def _word(kind: Any) -> str | None:
    if not isinstance(kind, type) or kind in _WORDS:
        return _WORDS.get(kind)
    if issubclass(kind, os.PathLike):
        return 'a path, such as ./my'
    return 'a text' if issubclass(kind, _NAMED) else 'a dictionary'


_WORDS = {
    bool: 'True or False',
    int: 'a number',
    float: 'a number',
    datetime.timedelta: 'a number',
    str: 'a text',
    dict: 'a dictionary',
    list: 'a list',
    tuple: 'a list',
    collections.abc.Sequence: 'a list',
    collections.abc.Iterable: 'a list',
    collections.abc.Callable: None,  # cannot be written in a config
}
# Words for kinds in the descriptions of arguments.
_IN_DOCSTRINGS: tuple[tuple[Any, set[str]], ...] = (
    (bool, {'bool', 'int', 'float', 'number'}),
    (Number, {'int', 'float', 'number'}),
    (str, {'str', 'string'}),
    ((list, tuple), {'list', 'tuple', 'sequence', 'iterable'}),
    (collections.abc.Mapping, {'dict', 'configdict', 'mapping'}),
)
