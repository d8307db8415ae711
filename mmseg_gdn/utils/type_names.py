"""What a part of a config is, in whichever way the config says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def type_name(part: Any, default: str = '') -> str:
    """The name of the class that a part of a config is built from.

    Args:
        part: The part. Its type may be a name, a name with a scope or a module before it, or the class itself.
        default: What it is if it has no type.
    """
    kind = part.get('type') if isinstance(part, Mapping) else None
    if not kind:
        return default
    return str(getattr(kind, '__name__', kind)).rsplit('.', 1)[-1]
