"""Switches in the environment that say yes or no."""

from __future__ import annotations

import os

from .errors import InputError

_NO, _YES = ('0', 'false', 'no', 'off'), ('1', 'true', 'yes', 'on')


def read_switch(name: str, what: str) -> bool | None:
    """What a variable of the environment says.

    Args:
        name: Its name.
        what: What it switches, for messages.

    Returns:
        Yes or no; ``None`` if it is not set, or empty.

    Raises:
        InputError: If it says neither.
    """
    value = os.environ.get(name, '')
    word = value.strip().lower()
    if word in (*_NO, *_YES):
        return word in _YES
    if word:
        raise InputError(
            f'{name}={value} in the environment says neither yes nor no; set it to 0 to switch {what} '
            'off, or to 1 to use them.'
        )
    return None
