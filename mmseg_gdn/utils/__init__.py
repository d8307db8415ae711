"""What the command-line tools share: clear errors and all-or-nothing files."""

from .errors import InputError, run_tool
from .extras import require_extra
from .files import atomic_write

__all__ = ['InputError', 'atomic_write', 'require_extra', 'run_tool']
