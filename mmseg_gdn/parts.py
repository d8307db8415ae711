"""Importing this checks the stack, prepares it, and registers all parts of the package in mmseg's registries."""

from .compat import prepare_stack
from .shipped import offer_shipped_files

prepare_stack()
offer_shipped_files()

from . import datasets, engine, evaluation, models, ops  # noqa: E402

__all__ = ['datasets', 'engine', 'evaluation', 'models', 'ops']
