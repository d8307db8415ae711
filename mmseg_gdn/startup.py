"""Whether ``import mmseg_gdn`` registers the parts of the package at once, as it does for configs and scripts."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from .shipped import shipped_folder

_COMMAND = 'mmseg-gdn'


def registers_at_once() -> bool:
    """Whether all parts are wanted now, and not later or never."""
    return not (_runs_own_command() or _has_torch_alone())


def _runs_own_command() -> bool:
    """Whether a command of this project runs: it answers ``--help`` within a moment, and then imports the parts."""
    # While Python looks for the module that -m names, sys.argv[0] is '-m'. Nothing may fail then: `python -m mmseg_gdn`
    # is what tells why an import fails.
    if sys.argv[:1] == ['-m']:
        return True
    # Not sys.argv: processes that a tool starts have its arguments, too, and need the parts.
    started = getattr(sys.modules.get('__main__'), '__file__', None)
    if started is None:
        return False
    path = Path(started)
    if _COMMAND in (path.stem, path.parent.stem):  # on Windows, a file inside mmseg-gdn.exe
        return True
    return path.resolve().is_relative_to((shipped_folder() / 'tools').resolve())


def _has_torch_alone() -> bool:
    """Whether nothing of MMSegmentation is there, so that this can only be about the operators."""
    return not any(name in sys.modules or find_spec(name) for name in ('mmengine', 'mmseg'))


def import_parts() -> None:
    """Check the stack and register all parts, for tools that do so only after ``--help`` has been answered.

    Raises:
        ImportError: If the stack cannot work; the message names the command that fixes it.
    """
    from . import parts  # noqa: F401
