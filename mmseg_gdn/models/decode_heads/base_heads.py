"""Which decode heads GlobalInterpHead can extend: those that predict one coarse score map."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any, Callable

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import nn

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.built_parts import similar

_GIVEN = ('prev_output', 'batch_data_samples', 'batch_img_metas')


def find_base_head(base_type: str | type | None) -> type[BaseDecodeHead]:
    """The class of a head, if it has the interface of a head with one score map.

    Heads are not listed by name. What counts is which arguments their methods take and which methods they call.

    Args:
        base_type: Registered name, or the class itself as in mmengine's pure Python configs.

    Returns:
        The head's class.

    Raises:
        InputError: If there is no such head, or if it is of another kind; the message says why.
    """
    named = MODELS.get(base_type) if isinstance(base_type, str) and base_type else None
    head = base_type if isinstance(base_type, type) else named
    if base_type is None or head is None:
        hint = similar(str(base_type), (name for name in MODELS.module_dict if name.endswith('Head')))
        raise InputError(
            f'base_type={base_type!r} is not a registered head{hint or ";"} GlobalInterpHead needs the '
            "name of a decode head of mmseg, such as base_type='FCNHead' (a head of your own must be "
            'imported by custom_imports first).'
        )
    obstacle = _obstacle(head)
    if obstacle is not None:
        raise InputError(_refusal(base_type, obstacle))
    return head


def check_built_head(base_type: str | type, head: nn.Module) -> None:
    """Make sure that a built head predicts classes, which its class alone does not show.

    Args:
        base_type: Registered name or class, for the message.
        head: The head after its own ``__init__``.

    Raises:
        InputError: If it predicts something else, such as depth.
    """
    if not hasattr(head, 'ignore_index'):
        raise InputError(_refusal(base_type, 'predicts no classes (it has no ignore_index)'))


def as_in_config(base_type: str | type) -> str:
    """How a config names a head: by its registered name, in quotes, or by its class."""
    return base_type.__name__ if isinstance(base_type, type) else repr(base_type)


def _obstacle(head: Any) -> str | None:
    is_decode_head = isinstance(head, type) and issubclass(head, BaseDecodeHead)
    if not is_decode_head:
        return "does not derive from mmseg's BaseDecodeHead"
    if hasattr(head, 'base_head'):
        return 'upsamples its scores already'
    for method, name in ((head.loss, 'batch_data_samples'), (head.predict, 'batch_img_metas')):
        if name not in inspect.signature(method).parameters:
            return f'has a {method.__name__} without {name}'
    # forward gets what comes before the samples: features and, in a cascade, the scores of the previous head.
    given = list(inspect.signature(head.loss).parameters).index('batch_data_samples')
    for method, served in ((head.forward, given), (head.loss_by_feat, 3), (head.predict_by_feat, 3)):
        required = _required(method)
        if len(required) > served:
            beyond = [name for name in required[2:] if name not in _GIVEN]
            return f'has a {method.__name__} that needs {" and ".join(map(repr, beyond))}, which heads are not given'
    for method, goal in (('loss', 'loss_by_feat'), ('predict', 'predict_by_feat')):
        if not _reaches(head, method, goal):
            return f'has a {method} that never calls {goal}, where scores are upsampled'
    return None


def _required(method: Callable) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        name
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.kind in kinds and parameter.default is inspect.Parameter.empty
    ]


def _reaches(head: type, method: str, goal: str) -> bool:
    """Whether a method's code names another method, directly or through the methods that it names."""
    pending, seen = [(method, 0)], set()
    while pending:
        name, depth = pending.pop()
        if name == goal:
            return True
        index, function = _find_method(head, name, depth)
        if function is None or (name, index) in seen:
            continue
        seen.add((name, index))
        # A method that names itself calls its parent's, through super().
        pending += [(named, index + 1 if named == name else 0) for named in _names(function)]
    return False


def _find_method(head: type, name: str, depth: int) -> tuple[int, Any]:
    """A method in the first class that defines it, from position ``depth`` of the method resolution order on."""
    for index, parent in enumerate(head.__mro__[depth:], start=depth):
        if name in vars(parent):
            return index, inspect.unwrap(vars(parent)[name])
    return depth, None


def _names(function: Any) -> Iterator[str]:
    """Names of attributes and functions in the code of a function and of those nested in it."""
    pending = [getattr(function, '__code__', None)]
    while pending:
        code = pending.pop()
        if code is not None:
            yield from code.co_names
            pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _refusal(base_type: str | type, obstacle: str) -> str:
    return (
        f'base_type={as_in_config(base_type)} {obstacle}. GlobalInterpHead needs a decode head that predicts one '
        "coarse score map per image with a channel per class, such as base_type='FCNHead'."
    )
