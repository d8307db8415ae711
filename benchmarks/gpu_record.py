"""Switches the Triton kernels on by default where a result file of ``gpu.py`` shows that they are faster.

An operator is on for a type if every case was measured in that type and took less time than with the reference. The
record goes to ``mmseg_gdn/ops/cuda/measured.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gpu_cases import GPU_CASES
from gpu_methods import OURS

from mmseg_gdn.ops import cuda
from mmseg_gdn.utils import InputError, atomic_write, run_tool

_STEPS = {
    'global_interp': 'forward',
    'global_interp_argmax': 'argmax',
    'cross_entropy_sums': 'loss',
    'cross_entropy_losses': 'loss',
    'cross_entropy_losses_backward': 'loss',
}
RECORD = Path(cuda.__file__).with_name('measured.json')


def faster(results: dict) -> dict[str, list[str]]:
    """The types in which each operator was faster than the reference in all cases, of which none is missing."""
    cases_of = {
        dtype: {case['name']: case['steps'] for case in results['cases'] if case['dtype'] == dtype}
        for dtype in dict.fromkeys(case['dtype'] for case in results['cases'])
    }
    names = [case.name for case in GPU_CASES]
    return {
        operator: [
            dtype
            for dtype, cases in cases_of.items()
            if all(name in cases and cases[name][step][OURS]['of_reference'] < 1 for name in names)
        ]
        for operator, step in _STEPS.items()
    }


def main() -> None:
    """Write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('result', type=Path, help='a JSON file in benchmarks/results')
    path = parser.parse_args().result
    results = _read(path)
    record = json.loads(RECORD.read_text())
    record[results['capability']] = {'result': path.name, 'faster': faster(results)}
    with atomic_write(RECORD) as file:
        file.write_text(json.dumps(record, indent=1) + '\n')
    print(f'written: {RECORD}')


def _read(path: Path) -> dict:
    try:
        results = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f'{path} cannot be read ({error}); give a result file of benchmarks/gpu.py.') from error
    if not (isinstance(results, dict) and results.get('capability') and 'cases' in results):
        raise InputError(f'{path} holds nothing that was measured on a GPU; give a result file of benchmarks/gpu.py.')
    return results


if __name__ == '__main__':
    sys.exit(run_tool(main))
