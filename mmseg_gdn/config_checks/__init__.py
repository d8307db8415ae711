"""What of a config nothing would read, and which of its values are of another kind than what reads them takes."""

from .check import check_config

__all__ = ['check_config']
