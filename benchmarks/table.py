"""Prints a result file as a Markdown table: time (and memory) over stock, with the aims beside it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cases import AIMS, Case
from steps import OURS, STEPS, STOCK


def table(results: dict) -> str:
    """Rows are what is computed, columns the shapes; a cell says ours over stock and, if there is one, the aim."""
    cases = results['cases']
    lines = [
        '| time over stock | ' + ' | '.join(case['name'].replace('->', ' → ') for case in cases) + ' |',
        '|---' * (len(cases) + 1) + '|',
    ]
    for step in STEPS:
        cells = [_cell(case['steps'][step][OURS]['of_stock'], _aim(case, step)) for case in cases]
        lines.append(f'| {step.replace("_", " ")} | ' + ' | '.join(cells) + ' |')
    memory = [
        _cell(
            case['peak_bytes']['cross_entropy'][OURS] / case['peak_bytes']['cross_entropy'][STOCK], _aim(case, 'memory')
        )
        for case in cases
    ]
    lines.append('| memory of the loss, forward and backward | ' + ' | '.join(memory) + ' |')
    return '\n'.join(lines)


def _aim(case: dict, step: str) -> float | None:
    return AIMS.get(Case(*case['shape']), {}).get(step)


def _cell(ratio: float, aim: float | None) -> str:
    return f'{ratio:.2f}' if aim is None else f'{ratio:.2f} (aim {aim})'


if __name__ == '__main__':
    print(table(json.loads(Path(sys.argv[1]).read_text())))
