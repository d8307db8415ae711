"""Switches the Triton kernels on by default where a result file of ``gpu.py`` shows that they are faster.

An operator is on for a type if it took less time than the reference in every case. The record goes to
``mmseg_gdn/ops/cuda/measured.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gpu_methods import OURS

from mmseg_gdn.ops import cuda
from mmseg_gdn.utils import atomic_write, run_tool

_STEPS = {
    'global_interp': 'forward',
    'global_interp_argmax': 'argmax',
    'cross_entropy_sums': 'loss',
    'cross_entropy_losses': 'loss',
    'cross_entropy_losses_backward': 'loss',
}
RECORD = Path(cuda.__file__).with_name('measured.json')


def faster(results: dict) -> dict[str, list[str]]:
    """The types in which each operator was faster than the reference in all cases."""
    dtypes = dict.fromkeys(case['dtype'] for case in results['cases'])
    return {
        operator: [
            dtype
            for dtype in dtypes
            if all(case['steps'][step][OURS]['of_reference'] < 1 for case in results['cases'] if case['dtype'] == dtype)
        ]
        for operator, step in _STEPS.items()
    }


def main() -> None:
    """Write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('result', type=Path, help='a JSON file in benchmarks/results')
    path = parser.parse_args().result
    results = json.loads(path.read_text())
    record = json.loads(RECORD.read_text())
    record[results['capability']] = {'result': path.name, 'faster': faster(results)}
    with atomic_write(RECORD) as file:
        file.write_text(json.dumps(record, indent=1) + '\n')
    print(f'written: {RECORD}')


if __name__ == '__main__':
    sys.exit(run_tool(main))
