"""Numbers inside sentences, renewed like those in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from string import Formatter

from mmseg_gdn.utils import InputError

_NUMBER = r'([+-]?\d+(?:\.\d+)?)'


@dataclass(frozen=True)
class Claim:
    """A passage of a document that rests on results.

    Attributes:
        passage: Its words, with a format field such as ``{:.1f}`` for each number. Line breaks do not matter.
        numbers: The numbers.
        holds: Whether what it says in words is what the results show.
    """

    passage: str
    numbers: tuple[float, ...] = ()
    holds: bool = True


def with_claims(text: str, claims: Iterable[Claim]) -> str:
    """A document with the numbers of its claims renewed.

    Args:
        text: The document.
        claims: What it claims.

    Returns:
        The text, changed in nothing but these numbers.

    Raises:
        InputError: If a passage is not in the text exactly once, or says something that the results do not show.
    """
    for claim in claims:
        text = _renewed(text, claim)
    return text


def _renewed(text: str, claim: Claim) -> str:
    fields = list(Formatter().parse(claim.passage))
    forms = [form for _, _, form, _ in fields if form is not None]
    if len(forms) != len(claim.numbers):
        raise ValueError(f'"{claim.passage}" has {len(forms)} fields for {len(claim.numbers)} numbers.')
    words = [re.sub(r'(\\?\s)+', r'\\s+', re.escape(literal)) for literal, *_ in fields]
    found = list(re.finditer(_NUMBER.join(words) + (_NUMBER if fields[-1][2] is not None else ''), text))
    if len(found) != 1:
        raise InputError(f'"{claim.passage}" is in the document {len(found)} times, not once; adapt the claim.')
    if not claim.holds:
        raise InputError(f'"{claim.passage}" is not what the results show; rewrite it, and the claim.')
    for index in reversed(range(len(forms))):  # from the end, so that the places before stay where they are
        start, end = found[0].span(index + 1)
        text = text[:start] + format(claim.numbers[index], forms[index]) + text[end:]
    return text
