"""Global Deconvolutional Networks for MMSegmentation; importing registers all parts in mmseg's registries."""

from .compat import prepare_stack

prepare_stack()

from . import datasets, engine, evaluation, models, ops  # noqa: E402

__version__ = '0.1.0'

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'ops']
