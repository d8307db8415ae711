"""Shared by the command-line tools: clear errors, and files that are written completely or not at all."""

from .errors import InputError, run_tool
from .extras import require_extra
from .files import atomic_write

__all__ = ['InputError', 'atomic_write', 'require_extra', 'run_tool']
