"""Measures the Triton kernels on a GPU: correctness first, then time and memory; results are JSON and a chart.

With ``TRITON_INTERPRET=1`` in the environment and ``--device cpu --tiny``, a machine without a GPU tries all steps.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault('KINETO_LOG_LEVEL', '99')  # the profiler, which counts memory on the CPU, writes lines of its own

import torch
from cases import Case
from gpu_cases import GPU_AIMS, GPU_CASES, LARGE
from gpu_chart import draw
from gpu_correctness import SHAPES, errors, wrong
from gpu_methods import OURS, REFERENCE, STEPS, STOCK, Inputs, calls
from measure import machine_limits, peak_memory, time_calls

import mmseg_gdn
from mmseg_gdn.ops import cuda
from mmseg_gdn.utils import InputError, atomic_write, run_tool

_TYPES = {'bfloat16': torch.bfloat16, 'float32': torch.float32}
_TINY = (Case(1, 3, 2, 3, 4, 5),)


def main() -> None:
    """Check, measure, print one line per number, and keep everything."""
    args = _arguments()
    device, deadline = torch.device(args.device), time.monotonic() + 60 * args.minutes
    _require_kernels(device, args.tiny)
    results = _about(device)
    path = args.out / f'gpu-{re.sub("[^a-z0-9]+", "-", results["device"].lower())}.json'
    partial = path.with_suffix('.partial.json')  # stays if the time limit ends this
    with atomic_write(path) as file:
        _check(results, device, args.tiny)
        for _ in _measure_cases(results, device, args, deadline):
            with atomic_write(partial) as unfinished:
                unfinished.write_text(_as_text(results))
        if not args.tiny:
            results['models'] = _measure_models(device, args.seconds, deadline)
        file.write_text(_as_text(results))
    partial.unlink(missing_ok=True)
    draw(results, path.with_suffix('.png'))
    print(f'written: {path} and {path.with_suffix(".png").name}')


def _require_kernels(device: torch.device, tiny: bool) -> None:
    if device.type == 'cpu' and not (cuda.INTERPRETED and tiny):
        raise InputError('On a CPU the kernels can only be tried; set TRITON_INTERPRET=1 and add --tiny.')
    if device.type == 'cuda' and cuda.INTERPRETED:
        raise InputError('In the interpreter there is nothing to measure; unset TRITON_INTERPRET, or add --device cpu.')
    if device.type == 'cuda' and not torch.cuda.is_available():
        raise InputError(
            'PyTorch finds no CUDA device; run this on a machine with a GPU, or try its steps with '
            'TRITON_INTERPRET=1 and --device cpu --tiny.'
        )


def _as_text(results: dict) -> str:
    return json.dumps(results, indent=1) + '\n'


def _check(results: dict, device: torch.device, tiny: bool) -> None:
    results['errors'] = errors(device, ((1, 3, 2, 3, 5, 4),) if tiny else SHAPES)
    if too_large := wrong(results['errors']):
        raise InputError(f'Wrong on this device, so nothing was measured: {"; ".join(too_large)}.')
    print(f'{len(results["errors"])} comparisons with double precision are within their tolerances', flush=True)


def _measure_cases(results: dict, device: torch.device, args: argparse.Namespace, deadline: float) -> Iterator[None]:
    results['limits'] = {name: {} if args.tiny else machine_limits(device, dtype) for name, dtype in _TYPES.items()}
    results['cases'], results['models'] = [], {}
    # The large cases first: they are what is aimed at.
    for case in _TINY if args.tiny else sorted(GPU_CASES, key=lambda case: case not in LARGE):
        for name, dtype in _TYPES.items():
            if time.monotonic() > deadline:
                print(f'{case.name} {name}: not measured, because the time is up', flush=True)
                continue
            with_compiled = case in LARGE and time.monotonic() < deadline - 120
            limits = results['limits'][name]
            results['cases'].append(_measure(case, device, dtype, limits, args.seconds, with_compiled))
            yield


def _measure(
    case: Case, device: torch.device, dtype: torch.dtype, limits: dict, seconds: float, with_compiled: bool
) -> dict:
    name = str(dtype).removeprefix('torch.')
    inputs, steps = Inputs(case, device, dtype), {}
    for step in STEPS:
        methods = calls(step, inputs, with_compiled=with_compiled)
        for call in methods.values():
            call()  # compiled here, outside of what is timed
        steps[step] = times = time_calls(methods, device, seconds)
        for method, entry in times.items():
            entry['of_stock'] = entry['median_ms'] / times[STOCK]['median_ms']
            entry['of_reference'] = entry['median_ms'] / times[REFERENCE]['median_ms']
            entry['peak_bytes'] = peak_memory(methods[method], device)
        aims, memory = GPU_AIMS.get(case, {}), times[OURS]['peak_bytes'] / max(1, times[STOCK]['peak_bytes'])
        print(
            f'{case.name} {name} {step}: stock {times[STOCK]["median_ms"]:.3f} ms, '
            + ', '.join(f'{method} {entry["of_stock"]:.3f}' for method, entry in times.items() if method != STOCK)
            + f' (aim {aims.get(step, "-")}), memory {memory:.3f} (aim {aims.get(f"{step}_memory", "-")})',
            flush=True,
        )
    result = {'name': case.name, 'shape': list(case), 'dtype': name, 'steps': steps}
    if limits:
        written_ms = case.scores * dtype.itemsize / limits['gbyte_per_s'] / 1e6
        result['of_bandwidth_limit'] = written_ms / steps['forward'][OURS]['median_ms']
        print(f'  full-size scores at {100 * result["of_bandwidth_limit"]:.0f} % of the bandwidth limit', flush=True)
    return result


def _measure_models(device: torch.device, seconds: float, deadline: float) -> dict:
    if find_spec('mmseg') is None:
        print('whole models: not measured, because MMSegmentation is not installed', flush=True)
        return {}
    from gpu_models import MODELS_MEASURED, training_calls  # after the kernels, because models need mmseg

    measured = {}
    for name, batch in MODELS_MEASURED.items():
        if time.monotonic() > deadline:
            print(f'{name}: not measured, because the time is up', flush=True)
            continue
        methods = training_calls(name, batch, device)
        measured[name] = times = time_calls(methods, device, 4 * seconds, fewest=7)
        for method, entry in times.items():
            entry['of_stock'] = entry['median_ms'] / times[STOCK]['median_ms']
            entry['peak_bytes'] = peak_memory(methods[method], device)
            print(f'{name}, {batch} images, {method}: {entry["median_ms"]:.1f} ms, {entry["of_stock"]:.3f} of stock')
    return measured


def _about(device: torch.device) -> dict:
    is_gpu = device.type == 'cuda'
    return {
        'device': torch.cuda.get_device_name() if is_gpu else 'interpreter',
        'capability': '{}.{}'.format(*torch.cuda.get_device_capability()) if is_gpu else None,
        'date': datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        'versions': {
            'torch': torch.__version__,
            'mmseg_gdn': mmseg_gdn.__version__,
            'python': platform.python_version(),
            'cuda': torch.version.cuda,
            'triton': import_module('triton').__version__ if find_spec('triton') else None,
        },
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--device', default='cuda', choices=['cuda', 'cpu'])
    parser.add_argument('--seconds', type=float, default=0.8, help='per shape, type and step (default: 0.8)')
    parser.add_argument('--minutes', type=float, default=6, help='start nothing new after this long (default: 6)')
    parser.add_argument('--tiny', action='store_true', help='tiny shapes, no limits and no whole models')
    parser.add_argument('--out', type=Path, default=Path(__file__).parent / 'results')
    return parser.parse_args()


if __name__ == '__main__':
    sys.exit(run_tool(main))
