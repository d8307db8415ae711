"""Sentences about parts of a config that cannot be built: misspelt and missing keys, unknown types, wrong values."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import FrameType
from typing import Any

_BUILDER = 'build_from_cfg'  # of mmengine.registry, through which each part of a config is made
_UNKNOWN_KEY = re.compile(r"got an unexpected keyword argument '(\w+)'")
_MISSING_KEYS = re.compile(r'missing \d+ required (?:positional|keyword-only) arguments?: (.+)$')
_UNKNOWN_TYPE = re.compile(r'(\S+) is not in the .+? registry\.')
# What mmengine's runners do with parts of a config that they build themselves.
_BY_RUNNER = re.compile(
    r'build_\w+|_build_\w+|set_randomness|_set_randomness|setup_env|_setup_env|register_hook|'
    r'_maybe_compile|scale_lr|__init__'
)
# Their messages are about what they are given; an error of code of one's own keeps its traceback.
_PACKAGES = {
    'mmengine',
    'mmseg',
    'mmcv',
    'mmdet',
    'mmpretrain',
    'mmseg_gdn',
    'torch',
    'numpy',
    'timm',
    *sys.stdlib_module_names,
}
_BAD_VALUES = (
    TypeError,
    ValueError,
    KeyError,
    AttributeError,
    AssertionError,
    IndexError,
    RuntimeError,
    ZeroDivisionError,
    OverflowError,
)


def explain(error: BaseException) -> str | None:
    """Say which key of a config an error is about.

    Args:
        error: What was raised while a part of a config was built.

    Returns:
        One sentence that names the part, the key and, if there is a similar one, the key that may be meant; ``None``
        if the error is about something else.
    """
    found = _innermost_build(error)
    names = found.f_locals if found else {}
    if isinstance(error, KeyError) and (match := _UNKNOWN_TYPE.search(str(error.args[0]))):
        return _about_type(match[1], names['registry'])
    if isinstance(error, KeyError) and 'must contain the key "type"' in str(error.args[0]):
        return f'A part of the config has no type, which says what to build: {shortened(names.get("cfg"))}'
    if isinstance(error, TypeError) and 'obj_cls' in names:
        part = names['obj_cls']
        sentence = about_keys(str(error), part, names['args'], getattr(part, '__name__', str(part)))
        if sentence:
            return sentence
    return _about_value(error) if isinstance(error, _BAD_VALUES) else None


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
    functions = (
        [vars(parent)['__init__'] for parent in part.__mro__ if '__init__' in vars(parent)]
        if isinstance(part, type)
        else [part]
    )
    keys: set[str] = set()
    for function in functions:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # such as object's own
            return keys, True
        keys.update(
            parameter.name
            for parameter in parameters
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        )
        if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters):
            return keys - {'self'}, False
    return keys - {'self'}, True


def _innermost_build(error: BaseException) -> FrameType | None:
    """The builder's frame that made the call which failed."""
    return next((frame for frame in reversed(list(_frames(error))) if frame.f_code.co_name == _BUILDER), None)


def _about_value(error: BaseException) -> str | None:
    """Say which part of the config could not be built, if a package has refused what it was given."""
    frames = list(_frames(error))
    index = next((index for index in reversed(range(len(frames))) if _builds(frames[index])), None)
    if index is None or not all(_package(frame) in _PACKAGES for frame in frames[index:]):
        return None
    names = frames[index].f_locals
    part = names.get('obj_cls')
    if part is not None and str(getattr(part, '__module__', '')).split('.')[0] not in _PACKAGES:
        return None
    given = _given(frames[index])
    places = _places(given, frames[: index + 1])
    message = ' '.join(str(error).split())
    place = f'{Path(frames[-1].f_code.co_filename).name}, in {frames[-1].f_code.co_name}'
    what = f'{" or ".join(places)} of the config' if places else 'A part of the config'
    name = f' ({getattr(part, "__name__", part)})' if part is not None else ''
    return (
        f'{what}{name} cannot be built: {type(error).__name__}{f": {message}" if message else ""} ({place}); '
        f'correct its settings{f": {shortened(given)}" if given else "."}'
    )


def _frames(error: BaseException) -> Iterable[FrameType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _builds(frame: FrameType) -> bool:
    """Whether a frame builds a part of a config: that of the registry's builder, or of one of a runner's methods."""
    name = frame.f_code.co_name
    if name == _BUILDER:
        return 'args' in frame.f_locals
    module = frame.f_globals.get('__name__', '')
    return module.startswith(('mmengine.runner.runner', 'mmengine.runner._flexible', 'mmengine._strategy')) and (
        _BY_RUNNER.fullmatch(name) is not None
    )


def _package(frame: FrameType) -> str:
    return frame.f_globals.get('__name__', '').split('.')[0]


def _given(frame: FrameType) -> Mapping[str, Any]:
    """The dictionary that a frame builds from, if it has one such argument."""
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount] if code.co_name != '__init__' else ()
    return next((value for name in names if isinstance(value := frame.f_locals.get(name), Mapping)), {})


def _places(given: Mapping[str, Any], frames: list[FrameType]) -> list[str]:
    """Where in the config of the runner at work a dictionary stands."""
    configs = [cfg for frame in frames if (cfg := getattr(frame.f_locals.get('self'), 'cfg', None)) is not None]
    if not configs or not given:
        return []
    found = [(len(inner), path) for path, inner in _dictionaries('', configs[-1]) if _is_part_of(inner, given)]
    return [path for length, path in found if length == max(found)[0]]


def _dictionaries(path: str, value: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    if path and isinstance(value, Mapping):
        yield path, value
    if hasattr(value, 'items') or isinstance(value, (list, tuple)):
        for key, inner in value.items() if hasattr(value, 'items') else enumerate(value):
            yield from _dictionaries(f'{path}.{key}' if path else str(key), inner)


def _is_part_of(inner: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether a builder may have made its dictionary of another; it adds to it, and wraps what is inside of it."""
    return (
        bool(inner)
        and inner.keys() <= given.keys()
        and all(value == given[key] for key, value in inner.items() if not isinstance(value, (Mapping, list, tuple)))
    )


def _about_type(name: str, registry: Any) -> str:
    known = set()
    while registry is not None:
        known.update(registry.module_dict)
        registry = registry.parent
    hint = similar(name, known)
    return f'The config names a type {name}, which is not registered' + (
        hint or '; correct it, or let custom_imports import the module that registers it.'
    )


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
        return f'{name} has no key {match[1]} (in the config: {match[1]}={shortened(given[match[1]])})' + (
            similar(match[1], keys) or '; remove or correct it.'
        )
    if match := _MISSING_KEYS.search(message):
        missing = [key for key in re.findall(r"'(\w+)'", match[1]) if key not in given]
        return f'{name} lacks the key {" and the key ".join(missing)}; add it to the config.' if missing else None
    return None


def shortened(value: Any) -> str:
    """A value in one line of 80 characters at most, for messages."""
    text = ' '.join(str(value).split())
    return text if len(text) <= 80 else f'{text[:77]}...'
