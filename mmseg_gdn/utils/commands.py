"""The names of the tools as commands, and messages that name them as they are where the user is."""

from __future__ import annotations

import re
from pathlib import Path

from ..shipped import is_installed, shipped_folder

COMMANDS = {
    'train': 'train.py',
    'test': 'test.py',
    'predict': 'predict.py',
    'variant': 'gdn_variant.py',
    'fit-kernels': 'fit_kernels.py',
    'check-submission': 'check_submission.py',
    'make-submission': 'make_submission.py',
    'reproduce': 'reproduce.py',
    'demo': 'demo.py',
    'demo-page': 'demo_page.py',
    'export-onnx': 'export_onnx.py',
    'stock': 'stock.py',
    'sweep': 'gdn_sweep.py',
    'verify-caffe': 'verify_caffe.py',
    'get-voc': 'dataset_converters/get_voc.py',
    'check-voc': 'dataset_converters/check_voc.py',
    'voc-lists': 'dataset_converters/voc_lists.py',
    'synthetic-voc': 'dataset_converters/synthetic_voc.py',
    'get-weights': 'model_converters/get_weights.py',
    'caffe2mmseg': 'model_converters/caffe2mmseg.py',
    'mobilenetv2-to-mmseg': 'model_converters/mobilenetv2_to_mmseg.py',
    'compare': 'analysis_tools/compare.py',
    'crf-search': 'analysis_tools/crf_search.py',
    'plot-kernels': 'analysis_tools/plot_kernels.py',
    'plot-training': 'analysis_tools/plot_training.py',
}
"""Scripts in ``tools`` by the names of their commands."""

_NAMES = {script: name for name, script in COMMANDS.items()}
_TOOL = re.compile(r'(?:\bpython )?(?<![\w/.-])tools/([\w/.]*\w)')
_CONFIGS = re.compile(r'(?<![\w/.:-])configs/gdn(?![\w/-])')  # the folder; a file there may be what the user has named


def as_here(text: str) -> str:
    """A message for this installation: a clone has ``tools`` and ``configs``, an installed package has commands.

    Args:
        text: The message, which names scripts and folders of a clone.
    """
    return as_installed(text, shipped_folder()) if is_installed() else text


def as_installed(text: str, folder: Path) -> str:
    """A message for where there is no clone.

    Args:
        text: The message.
        folder: The folder with the ``tools`` and ``configs`` of the installed package.
    """
    text = _TOOL.sub(lambda found: _command(found, folder), text.replace('make demo', 'mmseg-gdn demo'))
    return _CONFIGS.sub(str(folder / 'configs' / 'gdn'), text)


def _command(found: re.Match, folder: Path) -> str:
    name = _NAMES.get(found[1])
    return f'mmseg-gdn {name}' if name else str(folder / 'tools' / found[1])
