"""Which keys the config of a GlobalInterpHead must and may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.built_parts import about_keys, similar

from .base_heads import as_in_config
from .sizes import Size


def require_size(name: str, key: str, size: Size | None, others: Mapping[str, object]) -> Size:
    """Make sure that a head has a size, for which nothing can stand in.

    Args:
        name: The head's name, for the message.
        key: The key of the size.
        size: The size, ``None`` if the config has none.
        others: The other keys of its config.

    Returns:
        The size.

    Raises:
        InputError: If it is missing; the message names a key with a similar name that is there instead.
    """
    if size is None:
        raise InputError(
            f'{name} needs the key {key}=(height, width), but the config does not set it'
            f'{similar(key, others, "; it has {} instead")}. tools/gdn_variant.py finds the sizes.'
        )
    return size


@contextmanager
def known_keys(base_type: str | type, head: type, given: Mapping[str, object]) -> Iterator[None]:
    """Turn what Python says of unknown and missing arguments into a sentence about the config.

    Args:
        base_type: Registered name or class of the head that takes the keys.
        head: The class being made of it.
        given: The keys that are handed to it.

    Raises:
        InputError: If the block calls it with a key it does not have, or without one that it needs.
    """
    try:
        yield
    except TypeError as error:
        sentence = about_keys(str(error), head, given, f'GlobalInterpHead with base_type={as_in_config(base_type)}')
        if sentence is None:
            raise
        raise InputError(sentence) from error
