"""Sentences about parts of a config that cannot be built: misspelt and missing keys, unknown types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import FrameType
from typing import Any

_BUILDER = 'build_from_cfg'  # of mmengine.registry, through which each part of a config is made
_UNKNOWN_KEY = re.compile(r"got an unexpected keyword argument '(\w+)'")
_MISSING_KEYS = re.compile(r'missing \d+ required (?:positional|keyword-only) arguments?: (.+)$')
_UNKNOWN_TYPE = re.compile(r'(\S+) is not in the \S+ registry\.')


def explain(error: BaseException) -> str | None:
    """Say which key of a config an error is about.

    Args:
        error: What was raised while a part of a config was built.

    Returns:
        One sentence that names the part, the key and, if there is a similar one, the key that may be meant; ``None``
        if the error is about something else.
    """
    found = _innermost_build(error)
    if found is None:
        return None
    names = found.f_locals
    if isinstance(error, KeyError) and (match := _UNKNOWN_TYPE.search(str(error.args[0]))):
        return _about_type(match[1], names['registry'])
    if isinstance(error, KeyError) and 'must contain the key "type"' in str(error.args[0]):
        return f'A part of the config has no type, which says what to build: {_shortened(names.get("cfg"))}'
    if isinstance(error, TypeError) and 'obj_cls' in names:
        part = names['obj_cls']
        return about_keys(str(error), part, names['args'], getattr(part, '__name__', str(part)))
    return None


def similar(word: str, words: Iterable[str], hint: str = '; did you mean {}?', cutoff: float = 0.6) -> str:
    """A hint at the word that may be meant, for the end of a sentence; empty if none is similar."""
    close = get_close_matches(word, sorted(words), n=1, cutoff=cutoff)
    return hint.format(close[0]) if close else ''


def keys_of(part: Any) -> tuple[set[str], bool]:
    """The keys that a part takes.

    Args:
        part: A class or a function.

    Returns:
        Their names, as far as signatures tell, and whether there may be others.
    """
    functions = [vars(parent)['__init__'] for parent in part.__mro__ if '__init__' in vars(parent)] if isinstance(
        part, type) else [part]
    keys: set[str] = set()
    for function in functions:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # such as object's own
            return keys, True
        keys.update(parameter.name for parameter in parameters if parameter.kind in (
            parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY))
        if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters):
            return keys - {'self'}, False
    return keys - {'self'}, True


def _innermost_build(error: BaseException) -> FrameType | None:
    """The builder's frame that made the call which failed."""
    trace, found = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_name == _BUILDER:
            found = trace.tb_frame
        trace = trace.tb_next
    return found


def _about_type(name: str, registry: Any) -> str:
    known = set()
    while registry is not None:
        known.update(registry.module_dict)
        registry = registry.parent
    hint = similar(name, known)
    return (f'The config names a type {name}, which is not registered'
            + (hint or '; correct it, or let custom_imports import the module that registers it.'))


def about_keys(message: str, part: Any, given: Mapping[str, Any], name: str) -> str | None:
    """Say which key is wrong, if a message of Python's ``TypeError`` is about one.

    Args:
        message: The message.
        part: The class or function that was called.
        given: The keys that it was called with.
        name: Its name in the sentence.

    Returns:
        One sentence, or ``None`` if the message is about something else.
    """
    # A key that was not given in the config is another function's: a defect, not input.
    if (match := _UNKNOWN_KEY.search(message)) and match[1] in given:
        keys, _ = keys_of(part)
        return f'{name} has no key {match[1]} (in the config: {match[1]}={_shortened(given[match[1]])})' + (
            similar(match[1], keys) or '; remove or correct it.')
    if match := _MISSING_KEYS.search(message):
        missing = [key for key in re.findall(r"'(\w+)'", match[1]) if key not in given]
        return f'{name} lacks the key {" and the key ".join(missing)}; add it to the config.' if missing else None
    return None


def _shortened(value: Any) -> str:
    text = ' '.join(str(value).split())
    return text if len(text) <= 80 else f'{text[:77]}...'
