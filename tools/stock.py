"""Run a tool of the installed mmseg on configs and checkpoints of this project.

The stock tools do not load this plugin, and some fail with current versions of the stack; this script fixes both.

    python tools/stock.py analysis_tools/get_flops configs/gdn/fcn_mobilenet-v2_gdn_voc12aug.py --shape 320 320
"""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path

from mmseg_gdn.cli.scripts import prepare_script, run_script
from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, run_tool

# Distributions that are called otherwise than the modules of theirs that mmseg's tools import.
_PACKAGES = dict(
    cv2='opencv-python',
    PIL='pillow',
    yaml='PyYAML',
    sklearn='scikit-learn',
    skimage='scikit-image',
    pytorch_grad_cam='grad-cam',
    cityscapesscripts='cityscapesScripts',
    detail='detail-api',
    osgeo='GDAL',
)
_WRITTEN_FOR_0_X = 'deployment/pytorch2torchscript'  # it calls forward_dummy, which no model has any more


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='\n'.join(['tools of the installed mmseg:', *(f'  {name}' for name in tool_names())]),
    )
    parser.add_argument('tool', help='its name, such as analysis_tools/get_flops')
    parser.add_argument(
        'args', nargs=argparse.REMAINDER, metavar='...', help='its command line; TOOL --help shows what it takes'
    )
    return parser.parse_args()


def main() -> None:
    """Pass the command line on to the stock tool."""
    args = parse_args()
    script = stock_folder() / f'{args.tool}.py'
    if not script.is_file():
        import_parts()  # which says so if mmseg is missing or broken
        raise InputError(f'The installed mmseg has no tool {args.tool!r}; give one of: {", ".join(tool_names())}')
    if args.tool == _WRITTEN_FOR_0_X:
        raise InputError(
            f'mmseg 1.x carries {args.tool} unchanged from 0.x, and it fails for every model, stock ones '
            'included. Trace the model with torch.jit.trace as docs/modes.md says, or export it with '
            'tools/export_onnx.py.'
        )
    try:
        if args.tool == 'analysis_tools/confusion_matrix':
            prepare_script(script, args.args)
            from stock_confusion import draw_confusion_matrix

            draw_confusion_matrix(str(script))
        else:
            run_script(script, args.args)
    except ModuleNotFoundError as error:
        module = str(error.name).split('.')[0]
        package = _PACKAGES.get(module, module)
        raise InputError(
            f'The stock tool {args.tool} imports {error.name}, which the package {package} provides; '
            f'install it (pip install {package}) and run this again.'
        ) from error


def stock_folder() -> Path:
    """The folder with mmseg's tools, which exists if mmseg is installed."""
    spec = find_spec('mmseg')
    package = Path(spec.origin).parent if spec and spec.origin else Path('mmseg')
    return package / '.mim' / 'tools'


def tool_names() -> list[str]:
    """Names of mmseg's tools."""
    return sorted(path.relative_to(stock_folder()).with_suffix('').as_posix() for path in stock_folder().rglob('*.py'))


if __name__ == '__main__':
    run_tool(main)
