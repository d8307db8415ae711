"""Values of a part that cannot be what its class or function takes, by the annotations there."""

from __future__ import annotations

import collections.abc
import enum
import inspect
import os
import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any

import torch

from mmseg_gdn.utils.built_parts import shortened

from .keys import Problem
from .parts import Part

_NUMBERS = (bool, int, float)
_CONTAINERS = (dict, list, tuple, set)
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
        if first is not None:
            path, value, hint = first
            yield Problem(
                f'{path}={shortened(value)} is {_kind(value)}, where {part.name} takes {_described(hint)}; correct it.'
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
    hint = origin or hint
    if not isinstance(hint, type) or hint in (object, Any):
        return True
    if hint is types.NoneType:
        return False
    if hint in _NUMBERS:
        return isinstance(value, _NUMBERS)
    if isinstance(value, str) and issubclass(hint, _NAMED):
        return True
    if hint is str:
        # Some that say so take numbers as well, such as a scale beside 'dynamic'.
        return not isinstance(value, _CONTAINERS)
    if issubclass(hint, collections.abc.Mapping):
        # Many parts that say so take several dictionaries as well.
        return not isinstance(value, (*_NUMBERS, str))
    if issubclass(hint, collections.abc.Iterable) and hint.__module__ in ('builtins', 'collections.abc'):
        return not isinstance(value, _NUMBERS)
    # A dictionary in a config stands for an instance, and a text for a path.
    return (
        isinstance(value, hint) or issubclass(hint, os.PathLike) or not isinstance(value, (*_NUMBERS, str, list, tuple))
    )


def _arms(hint: Any) -> tuple[Any, ...]:
    """The annotations of which any may hold."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return 'yes or no'
    if isinstance(value, (int, float)):
        return 'a number'
    kinds: dict[type, str] = {str: 'a text', list: 'a list', tuple: 'a list'}
    return kinds.get(type(value), 'a dictionary')


def _described(hint: Any) -> str:
    """An annotation in words."""
    words = [_WORDS.get(typing.get_origin(arm) or arm) for arm in _arms(hint) if arm is not types.NoneType]
    return ' or '.join(dict.fromkeys(filter(None, words))) or 'another kind'


_WORDS = {
    bool: 'True or False',
    int: 'a number',
    float: 'a number',
    str: 'a text',
    dict: 'a dictionary',
    list: 'a list',
    tuple: 'a list',
    collections.abc.Sequence: 'a list',
}
