"""Shapes in docstrings such as ``(N, C, *size)``, in which reStructuredText would take the star for emphasis."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

_UNPACKED = re.compile(r'(?<=, )\*(?=\w+\))')


def keep_stars(app: Sphinx, what: str, name: str, thing: object, options: dict, lines: list[str]) -> None:
    """Escape the stars of a docstring."""
    lines[:] = [_UNPACKED.sub(r'\\*', line) for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Do it after all that reads the docstring as Google's style."""
    app.connect('autodoc-process-docstring', keep_stars, priority=900)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
