"""Writes the results into the documents that show them, in tables and in sentences, and draws the plot."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import mmseg_gdn  # noqa: F401  (checks the stack before anything else is imported)

# isort: split
from card import card
from claims import claims
from class_table import class_table
from prose import with_claims
from summary import summary
from table import tables

from mmseg_gdn.utils import InputError, atomic_write, require_extra, run_tool

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    'README.md',
    'docs/results.md',
    'benchmarks/accuracy/matrix-rates.md',
    'checkpoints/fcn_mobilenet-v2_voc-extract.md',
    'checkpoints/fcn_mobilenet-v2_gdn_voc-extract.md',
)
PLOT = 'docs/results.png'
_BLOCK = re.compile(r'(<!-- results: (\S+) -->\n)(.*?)(<!-- end -->)', re.DOTALL)


def main() -> None:
    """Write."""
    args = _arguments()
    require_extra('plots')
    from plot import draw_differences  # needs Matplotlib

    from mmseg_gdn.visualization.figures import save_figure

    texts = {name: renewed(name, args.results) for name in DOCUMENTS}
    for name, text in texts.items():
        with atomic_write(ROOT / name) as partial:
            partial.write_text(text, encoding='utf-8')
    save_figure(draw_differences(args.results), str(ROOT / PLOT))


def renewed(name: str, results: Path) -> str:
    """A document with its tables and its sentences made anew.

    Args:
        name: Path of the document, relative to the root of the repository.
        results: Folder of the results.

    Returns:
        The text.

    Raises:
        InputError: If a study has no results, or a sentence is not what they show.
    """
    text = filled((ROOT / name).read_text(encoding='utf-8'), results)
    try:
        return with_claims(text, claims(name, results))
    except InputError as error:
        raise InputError(f'{name}: {error}') from None


def filled(text: str, results: Path) -> str:
    """A document with its tables made anew.

    Args:
        text: Markdown with blocks from ``<!-- results: NAME -->`` to ``<!-- end -->``; the name is a study's, or
            ``summary``, ``short-summary``, ``classes:DATA`` or ``card:CHECKPOINT``.
        results: Folder of the results.

    Returns:
        The text with the blocks filled.

    Raises:
        InputError: If a study has no results.
    """
    return _BLOCK.sub(lambda block: block[1] + '\n' + _content(block[2], results) + '\n' + block[4], text)


def _content(name: str, results: Path) -> str:
    if name in ('summary', 'short-summary'):
        return summary(results, is_short=name.startswith('short')) + '\n'
    if name.startswith('classes:'):
        return class_table(results, name.removeprefix('classes:')) + '\n'
    if name.startswith('card:'):
        return card(name.removeprefix('card:')) + '\n'
    return tables(results, name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--results',
        type=Path,
        default=Path(__file__).parent / 'results',
        help='folder of the results (default: the one beside this script)',
    )
    return parser.parse_args()


if __name__ == '__main__':
    run_tool(main)
