"""Which decode heads can have their scores brought to full size: those that make one coarse score map."""

from __future__ import annotations

import inspect
from typing import Callable

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import nn

from mmseg_gdn.utils import InputError

from .full_size import FullSizeMixin

_GIVEN = ('prev_output', 'batch_data_samples', 'batch_img_metas')


def find_base_head(base_type: str | None) -> type[BaseDecodeHead]:
    """The class of a registered head, if the interface of its methods is that of a head with one score map.

    Nothing is known of single heads here: a new one is judged by what its methods ask for.

    Args:
        base_type: Registered name.

    Returns:
        The head's class.

    Raises:
        InputError: If there is no such head, or if it is of another kind; the message says what shows it.
    """
    head = MODELS.get(base_type) if base_type else None
    if head is None:
        raise InputError(f'base_type={base_type!r} is not a registered head; GlobalInterpHead needs the name of '
                         "a decode head of mmseg, such as base_type='FCNHead' (a head of your own must be "
                         'imported by custom_imports first).')
    obstacle = _obstacle(head)
    if obstacle is not None:
        raise InputError(_refusal(base_type, obstacle))
    return head


def check_built_head(base_type: str, head: nn.Module) -> None:
    """Make sure that a built head makes class scores, which its class alone does not show.

    Args:
        base_type: Registered name, for the message.
        head: The head after its own ``__init__``.

    Raises:
        InputError: If it predicts something else, such as depth.
    """
    if not hasattr(head, 'ignore_index'):
        raise InputError(_refusal(base_type, 'predicts no classes (it knows no ignore_index of a label map)'))


def _obstacle(head: type) -> str | None:
    if not (isinstance(head, type) and issubclass(head, BaseDecodeHead)):
        return "does not derive from mmseg's BaseDecodeHead"
    if issubclass(head, FullSizeMixin):
        return 'brings its scores to full size already'
    for method, name in ((head.loss, 'batch_data_samples'), (head.predict, 'batch_img_metas')):
        if name not in inspect.signature(method).parameters:
            return f'has a {method.__name__} without {name}'
    # What comes before the samples is what forward is given: features and, in a cascade, the scores before.
    given = list(inspect.signature(head.loss).parameters).index('batch_data_samples')
    for method, served in ((head.forward, given), (head.loss_by_feat, 3), (head.predict_by_feat, 3)):
        required = _required(method)
        if len(required) > served:
            beyond = [name for name in required[2:] if name not in _GIVEN]
            return f"has a {method.__name__} that needs {' and '.join(map(repr, beyond))} beside what heads get"
    return None


def _required(method: Callable) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, parameter in inspect.signature(method).parameters.items()
            if parameter.kind in kinds and parameter.default is inspect.Parameter.empty]


def _refusal(base_type: str, obstacle: str) -> str:
    return (f'base_type={base_type!r} {obstacle}: it is no decode head that makes coarse score maps (one per image, '
            "a channel per class), which is all that can be brought to full size; give one that does, such as "
            "base_type='FCNHead'.")
