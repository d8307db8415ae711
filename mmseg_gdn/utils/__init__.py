"""What the command-line tools share: clear errors and all-or-nothing files."""

from .errors import InputError, run_tool
from .files import atomic_write

__all__ = ['InputError', 'atomic_write', 'run_tool']
