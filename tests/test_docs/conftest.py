"""Scripts of the repository are loaded here only to parse command lines, so they leave nothing behind."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path
from typing import Callable

import pytest

ROOT = Path(__file__).parents[2]
OURS = (str(ROOT / 'tools'), str(ROOT / 'benchmarks'))


class Parsed(Exception):
    """A command line that its parser accepts."""


@pytest.fixture
def parse(monkeypatch) -> Callable[..., None]:
    """Let the parser of a script, or of a ``main`` function, read a command line; it exits if it does not fit."""
    known = set(sys.modules)

    def run(script: Path | None, words: list[str], main: Callable[[], object] | None = None) -> dict:
        names = {}
        with monkeypatch.context() as patch:
            patch.setattr(sys, 'argv', [str(script), *words])
            if script:
                patch.syspath_prepend(str(script.parent))
                names = runpy.run_path(str(script))
                main = names.get('parse_args') or names.get('_arguments')
            if main is None or not script:
                patch.setattr(argparse.ArgumentParser, 'parse_args', stop_after(argparse.ArgumentParser.parse_args))
            try:
                (main or names['main'])()
            except Parsed:
                pass
            else:
                assert script, 'nothing has been parsed'
        return names

    yield run
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], '__file__', None)).startswith(OURS):
            del sys.modules[name]


def stop_after(parse_args):
    def parse_and_stop(*args, **kwargs):
        raise Parsed(parse_args(*args, **kwargs))

    return parse_and_stop
