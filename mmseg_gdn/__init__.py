"""Global Deconvolutional Networks for MMSegmentation; importing registers all parts in mmseg's registries."""

import sys

__version__ = '0.1.0'

# While Python looks for the module that -m names, sys.argv[0] is '-m'. Nothing may fail then: `python -m mmseg_gdn` is
# what tells why an import fails, and imports the parts itself.
if sys.argv[:1] != ['-m']:
    from .compat import prepare_stack

    prepare_stack()

    from . import datasets, engine, evaluation, models, ops

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'ops']
