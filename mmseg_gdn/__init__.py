"""Global Deconvolutional Networks for MMSegmentation; importing registers all parts in mmseg's registries."""

from __future__ import annotations

from types import ModuleType

from .startup import registers_at_once

__version__ = '0.1.0'
__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'ops']

if registers_at_once():
    from .parts import datasets, engine, evaluation, models, ops


def __getattr__(name: str) -> ModuleType:
    """A part that has not been imported yet, with all others."""
    if name in __all__:
        from . import parts

        return getattr(parts, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
