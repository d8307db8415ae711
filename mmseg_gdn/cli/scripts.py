"""Running scripts that know nothing of this package, such as mmseg's own tools, in a process that has loaded it."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from ..startup import import_parts


def prepare_script(script: Path, args: Sequence[str]) -> None:
    """Load this package, and let a script find its command line and the modules beside it, as Python would.

    Args:
        script: The script.
        args: Its command line.
    """
    import_parts()
    from .stock_remedies import apply_remedies

    apply_remedies()
    sys.argv = [str(script), *args]
    sys.path.insert(0, str(script.parent))


def run_script(script: Path, args: Sequence[str]) -> None:
    """Run a script as ``python SCRIPT`` would, after loading this package.

    Args:
        script: The script.
        args: Its command line.
    """
    prepare_script(script, args)
    runpy.run_path(str(script), run_name='__main__')
