"""Keys that a piece of code reads from a dictionary, by its source."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

_METHODS = {'get', 'pop', 'setdefault'}
# Attributes that a dictionary has by itself.
_OF_ALL = set(dir(dict))


def modules_of(part: Any) -> Iterator[ModuleType]:
    """The modules that define a class and what it inherits from, or a function."""
    for one in part.__mro__ if isinstance(part, type) else (part,):
        module = inspect.getmodule(one)
        if module is not None and module.__name__ != 'builtins' and module.__name__.split('.')[0] != 'torch':
            yield module


def keys_read(parts: Iterable[Any], *names: str) -> set[str]:
    """Keys that the modules of some classes or functions read from dictionaries with some names.

    Args:
        parts: Classes or functions.
        names: Names of variables or attributes, such as ``'paramwise_cfg'``.

    Returns:
        The constants in ``name.get('key')``, ``name['key']``, ``'key' in name``, ``name.key`` and the like.
    """
    modules = {module for part in parts for module in modules_of(part)}
    return {key for module in modules for name, key in _reads(module) if name in names}


def uses(function: Any, name: str) -> bool:
    """Whether a function reads one of its own arguments; true if its source is not known."""
    try:
        tree = ast.parse(inspect.cleandoc('\n' + inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return True
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


@cache
def _reads(module: ModuleType) -> frozenset[tuple[str, str]]:
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        return frozenset()
    return frozenset(pair for node in ast.walk(tree) for pair in _pairs(node))


def _pairs(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS and node.args:
        yield from _pair(node.func.value, node.args[0])
    elif isinstance(node, ast.Subscript):
        yield from _pair(node.value, node.slice)
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        yield from _pair(node.comparators[0], node.left)
    elif isinstance(node, ast.Attribute) and node.attr not in _OF_ALL and (name := _name(node.value)):
        yield name, node.attr


def _pair(owner: ast.AST, key: ast.AST) -> Iterator[tuple[str, str]]:
    name = _name(owner)
    if name and isinstance(key, ast.Constant) and isinstance(key.value, str):
        yield name, key.value


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript):  # one of several such dictionaries
        return _name(node.value)
    return node.attr if isinstance(node, ast.Attribute) else None
