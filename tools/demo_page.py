"""A page to try models on photographs: bilinear and learned upsampling side by side, in a browser."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec

from mmseg_gdn.demo_page.server import address_of, is_for_this_machine_only, listen, serve
from mmseg_gdn.startup import import_parts
from mmseg_gdn.utils import InputError, require_extra, run_tool


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'model',
        nargs='*',
        metavar='CONFIG CHECKPOINT',
        help='a model of your own; without one, the two small bundled networks are compared',
    )
    parser.add_argument(
        '--compare',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='a second model for the same classes, shown left of the first, such as its bilinear counterpart',
    )
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to listen on; default: %(default)s, which only this machine can reach',
    )
    parser.add_argument(
        '--port', type=int, default=7860, help='port to listen on; 0: any free one; default: %(default)s'
    )
    parser.add_argument(
        '--longest-side',
        type=int,
        default=1024,
        metavar='PIXELS',
        help='larger photographs are reduced to this; default: %(default)s',
    )
    parser.add_argument('--device', help='where to predict, such as cpu; default: a GPU, if there is one')
    args = parser.parse_args()
    if len(args.model) not in (0, 2):
        parser.error(f'name a config and a checkpoint, or nothing; got {" ".join(args.model)}')
    if args.compare and not args.model:
        parser.error('--compare shows a second model beside one of your own; name that one first: CONFIG CHECKPOINT')
    if args.longest_side < 32:
        parser.error(f'--longest-side is a number of pixels, 32 or more; got {args.longest_side}')
    return args


def main() -> None:
    """Serve the page."""
    args = parse_args()
    _require_gradio()
    listening = listen(args.host, args.port)
    import_parts()  # takes seconds, and --help needs none of it
    from mmengine.device import get_device

    from mmseg_gdn.demo_page.models import NOTE, load_models
    from mmseg_gdn.demo_page.segmentation import warm_up
    from mmseg_gdn.prediction.quiet import quietly

    with quietly():
        models = load_models(args.model or None, args.compare, args.device or get_device())
        warm_up(models)
    if not is_for_this_machine_only(listening):
        print('Whoever can reach this machine can open the page; it asks for no password.', file=sys.stderr)
    print(f'The page is at {address_of(listening)}; Ctrl-C ends it.', flush=True)
    serve(listening, models, args.longest_side, '' if args.model else NOTE)


def _require_gradio() -> None:
    if sys.version_info < (3, 10):
        raise InputError(
            'The demo page needs Python 3.10 or newer, because Gradio does; use tools/predict.py instead, '
            'or make an environment with a newer Python.'
        )
    if find_spec('gradio') is None:
        raise InputError('The demo page needs Gradio, which is not installed; run: pip install "mmseg_gdn[demo]"')
    require_extra('demo')


if __name__ == '__main__':
    run_tool(main)
