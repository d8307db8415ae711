"""Run a tool of the installed mmseg on configs and checkpoints of this project.

The stock tools do not load this plugin, and some fail with current versions of the stack; this script fixes both.

    python tools/stock.py analysis_tools/get_flops configs/gdn/fcn_mobilenet-v2_gdn_voc12aug.py --shape 320 320
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import mmseg_gdn.parts  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
import mmseg

from mmseg_gdn.utils import InputError, run_tool
from stock_confusion import draw_confusion_matrix
from stock_remedies import apply_remedies

# Distributions that are called otherwise than the modules of theirs that mmseg's tools import.
_PACKAGES = dict(
    cv2='opencv-python', PIL='pillow', yaml='PyYAML', sklearn='scikit-learn', skimage='scikit-image',
    pytorch_grad_cam='grad-cam', cityscapesscripts='cityscapesScripts', detail='detail-api', osgeo='GDAL')
STOCK_TOOLS = Path(mmseg.__file__).parent / '.mim' / 'tools'


def main() -> None:
    """Pass the command line on to the stock tool."""
    name = sys.argv[1] if len(sys.argv) > 1 else ''
    script = STOCK_TOOLS / f'{name}.py'
    if not script.is_file():
        known = sorted(str(path.relative_to(STOCK_TOOLS).with_suffix('')) for path in STOCK_TOOLS.rglob('*.py'))
        raise InputError(f'The installed mmseg has no tool {name!r}; give one of: {", ".join(known)}')
    apply_remedies()
    sys.argv = [str(script), *sys.argv[2:]]
    try:
        if name == 'analysis_tools/confusion_matrix':
            draw_confusion_matrix(str(script))
        else:
            runpy.run_path(str(script), run_name='__main__')
    except ModuleNotFoundError as error:
        module = str(error.name).split('.')[0]
        package = _PACKAGES.get(module, module)
        raise InputError(f'The stock tool {name} imports {error.name}, which the package {package} provides; install '
                         f'it (pip install {package}) and run this again.') from error


if __name__ == '__main__':
    run_tool(main)
