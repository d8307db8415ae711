"""Train a segmentor, with the command line of mmseg's own ``tools/train.py``."""

from __future__ import annotations

import argparse

from mmseg_gdn.utils import run_tool
from mmseg_gdn.utils.cli import runner_parser
from training import AUTO, LATEST


def parse_args() -> argparse.Namespace:
    """Options of the command line."""
    parser = runner_parser('Train a segmentor.')
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on with the training in the work folder, from its newest checkpoint that is intact; '
        "followed by 'auto', start one if there is none; followed by the path of a checkpoint, go "
        'on from that',
    )
    parser.add_argument('--amp', action='store_true', help='train with automatic mixed precision; needs a GPU')
    parser.add_argument('--no-validate', action='store_true', help='do not validate, neither in between nor at the end')
    # --resume takes no argument in mmseg; what follows it is told apart from the config here.
    args, others = parser.parse_known_args()
    args.resume = _resume_what(parser, args, others)
    return args


def _resume_what(parser: argparse.ArgumentParser, args: argparse.Namespace, others: list[str]) -> str | None:
    if not others:
        return LATEST if args.resume else None
    if args.resume and len(others) == 1 and not others[0].startswith('-'):
        (what,) = others
        if what.endswith('.py'):
            what, args.config = args.config, what
        if what == AUTO or what.endswith('.pth'):
            return what
    parser.error(f'unrecognized arguments: {" ".join(others)}')


def main() -> None:
    """Train."""
    args = parse_args()
    from training.run import train  # here, because importing it takes seconds, and --help needs none of it

    train(args)


if __name__ == '__main__':
    run_tool(main)
