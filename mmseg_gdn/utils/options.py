"""The option ``--cfg-options``: settings that override a config, in mmengine's form."""

from __future__ import annotations

import os
from argparse import Action, ArgumentError, ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import Any

_QUOTES = '\'"'
_BRACKETS = {'(': ')', '[': ']'}
_WORDS = {'true': True, 'false': False}


class ConfigOptions(Action):
    """Collects settings of the form ``KEY=VALUE`` in a dictionary, as mmengine's ``DictAction`` does.

    Unlike there, blanks inside a value stay, a value in quotes and the path of an existing file may hold commas, and
    what is not of this form ends in a sentence.
    """

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: str | Sequence[str] | None,
        option_string: str | None = None,
    ) -> None:
        """Add settings to those given before."""
        options = dict(getattr(namespace, self.dest, None) or {})
        for text in values or ():
            key, _, value = text.partition('=')
            if '=' not in text or not all(part.strip() for part in key.split('.')):
                raise ArgumentError(
                    self,
                    f'{text!r} is not of the form KEY=VALUE; write, for example, '
                    'train_cfg.max_iters=100, without blanks around the sign',
                )
            try:
                options[key.strip()] = parse_value(value)
            except ValueError as error:
                raise ArgumentError(self, f'{text!r} cannot be read: {error}') from error
        setattr(namespace, self.dest, options)


def parse_value(text: str) -> Any:
    """The value that a text stands for.

    Args:
        text: A number, a word, a list such as ``1,2`` or ``[a,b]``, or a tuple such as ``(2,3)``, also nested.

    Returns:
        A number, a boolean, ``None``, a text, a list or a tuple.

    Raises:
        ValueError: If brackets do not match.
    """
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] in _QUOTES and text.find(text[0], 1) == len(text) - 1
    if is_quoted:
        text = text[1:-1]
    closing = _BRACKETS.get(text[:1])
    if closing and text.endswith(closing) and len(text) > 1:
        values = [parse_value(part) for part in _split(text[1:-1])]
        return tuple(values) if closing == ')' else values
    if ',' in text and not is_quoted and not os.path.exists(text):
        parts = list(_split(text))
        if len(parts) > 1 or text.endswith(','):
            return [parse_value(part) for part in parts]
    return _scalar(text)


def _scalar(text: str) -> Any:
    if text == 'None':
        return None
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _split(text: str) -> Iterator[str]:
    """The parts between commas that are in no brackets and no quotes."""
    start, open_brackets, quote = 0, [], ''
    for index, letter in enumerate(text):
        if quote:
            quote = '' if letter == quote else quote
        elif letter in _QUOTES and not text[start:index].strip('([ '):
            quote = letter
        elif letter in _BRACKETS:
            open_brackets.append(_BRACKETS[letter])
        elif letter in _BRACKETS.values() and (not open_brackets or open_brackets.pop() != letter):
            raise ValueError('its brackets do not match')
        elif letter == ',' and not open_brackets:
            yield text[start:index]
            start = index + 1
    if open_brackets:
        raise ValueError('its brackets do not match')
    if text[start:].strip():
        yield text[start:]
