"""What the ``type`` of a config stands for."""

from __future__ import annotations

from typing import Any

from mmseg.registry import MODELS


def registered_class(config_type: Any) -> Any:
    """What a config's ``type`` builds: usually a class; ``None`` for names that are not registered.

    Args:
        config_type: A registered name, with or without a scope or a module before it, or a class.
    """
    return MODELS.get(config_type) if isinstance(config_type, str) else config_type


def is_registered_as(config_type: Any, *classes: type) -> bool:
    """Whether a config's ``type`` builds an instance of one of some classes.

    Args:
        config_type: A registered name, with or without a scope, or a class.
        classes: The classes.

    Returns:
        False for names that are not registered, too.
    """
    found = registered_class(config_type)
    return isinstance(found, type) and issubclass(found, classes)
