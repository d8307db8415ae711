"""Training of some parts of a model while the others stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from mmseg_gdn.utils import InputError


def freeze_others(model: nn.Module, train_only: Sequence[str]) -> None:
    """Freeze every parameter but those of some parts; no gradients are computed for what is frozen.

    Args:
        model: The model; ``requires_grad`` of its parameters changes.
        train_only: Beginnings of the names of the parameters to train, such as ``'decode_head.interp'``.

    Raises:
        InputError: If no parameter has a name with one of the beginnings, or if there are none.
    """
    if isinstance(train_only, str) or not train_only or not all(isinstance(part, str) for part in train_only):
        raise InputError(
            f"train_only is a list of beginnings of names, such as ['decode_head.interp'], but got "
            f'{train_only!r}; None trains everything.'
        )
    names = [name for name, _ in model.named_parameters()]
    for beginning in train_only:
        if not any(name.startswith(beginning) for name in names):
            parts = sorted({'.'.join(name.split('.')[:2]) for name in names})
            raise InputError(
                f'train_only names {beginning!r}, but no parameter of this model begins so; its parts are '
                f'{", ".join(parts)}.'
            )
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and name.startswith(tuple(train_only)))


def keep_frozen_parts_in_eval_mode(model: nn.Module, train_only: Sequence[str]) -> None:
    """Set what is not trained to evaluation mode, so that its outputs do not vary.

    Statistics of normalization layers stay as they are, and dropout is off, except inside of a named part.

    Args:
        model: A model in training mode, in which :func:`freeze_others` has frozen some parts.
        train_only: What was given to :func:`freeze_others`.
    """
    for name, module in model.named_modules():
        is_named = name.startswith(tuple(train_only))
        if not is_named and not any(parameter.requires_grad for parameter in module.parameters()):
            module.training = False
