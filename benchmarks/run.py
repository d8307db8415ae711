"""Measures global interpolation beside what it replaces; results go to benchmarks/results as JSON and PNG."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import time
from pathlib import Path

os.environ.setdefault('KINETO_LOG_LEVEL', '99')  # the profiler, which counts memory, writes lines of its own

import torch
from cases import AIMS, CASES, GROWTH, Case
from chart import draw
from measure import machine_limits, peak_memory, time_calls
from steps import OURS, STEPS, STOCK, Problem
from whole_models import MODELS_MEASURED, model_calls

import mmseg_gdn

_RESULTS = Path(__file__).parent / 'results'
_DTYPES = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}
_MODEL_RUNS = 7  # of a training iteration or a test image, at least: heads are a small part of most
_PRODUCTS = {'forward': 1, 'forward_backward': 3, 'cross_entropy': 3, 'loss_and_accuracy': 3, 'argmax': 1}


def main() -> None:
    """Measure, print one line per number, and keep everything."""
    args = _arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    device, dtype = torch.device(args.device), _DTYPES[args.dtype]
    deadline = time.monotonic() + args.minutes * 60
    results = _about(device, args.dtype)
    results['limits'] = limits = machine_limits(device, dtype)
    results['cases'], results['growth'], results['models'] = [], {}, {}
    for case in CASES:
        results['cases'].append(_measure_case(case, device, dtype, limits, args.seconds))
    if not args.quick:
        for what, cases in GROWTH.items():
            results['growth'][what] = [_measure_growth(case, device, dtype, args.seconds) for case in cases]
        for name, batch in MODELS_MEASURED.items():
            if time.monotonic() < deadline:
                results['models'][name] = _measure_model(name, batch, device, args.seconds)
    _RESULTS.mkdir(exist_ok=True)
    path = _RESULTS / f'{_file_name(results)}.json'
    path.write_text(json.dumps(results, indent=1) + '\n')
    draw(results, path.with_suffix('.png'))
    print(f'written: {path} and {path.with_suffix(".png").name}')


def _measure_case(case: Case, device: torch.device, dtype: torch.dtype, limits: dict, seconds: float) -> dict:
    print(f'{case.name} ({case.flops / 1e9:.2f} GFLOP forward)', flush=True)
    problem, steps, memory = Problem(case, device, dtype), {}, {}
    for step in STEPS:
        calls, rivals = problem.calls(step), problem.rival_calls(step)
        steps[step] = _with_ratios(time_calls(calls, device, seconds))
        if rivals:
            # They have turns of their own, and stock with them, because some take so long that they would change what
            # memory the others find. Their ratios are to that stock.
            steps[step] = {**_with_ratios(time_calls(rivals, device, seconds)), **steps[step]}
        flops = case.flops * _PRODUCTS[step]
        steps[step][OURS]['of_flop_limit'] = flops / limits['gflop_per_s'] / 1e6 / steps[step][OURS]['median_ms']
        memory[step] = {name: peak_memory(calls[name], device) for name in (STOCK, OURS)}
        _print_step(case, step, steps[step], memory[step])
    written_ms = case.scores * dtype.itemsize / limits['gbyte_per_s'] / 1e6
    return {
        'name': case.name,
        'shape': list(case),
        'flops': case.flops,
        'steps': steps,
        'peak_bytes': memory,
        'flop_limit_ms': case.flops / limits['gflop_per_s'] / 1e6,
        'write_limit_ms': written_ms,
    }


def _measure_growth(case: Case, device: torch.device, dtype: torch.dtype, seconds: float) -> dict:
    calls = Problem(case, device, dtype).calls('cross_entropy')
    times = _with_ratios(time_calls({name: calls[name] for name in (STOCK, OURS)}, device, seconds))
    print(f'growth {case.name}: {times[OURS]["of_stock"]:.2f} of stock', flush=True)
    return {'name': case.name, 'scores': case.scores, 'of_stock': times[OURS]['of_stock'], 'times': times}


def _measure_model(name: str, batch: int, device: torch.device, seconds: float) -> dict:
    result = {'batch': batch}
    for task, calls in model_calls(name, batch, device).items():
        times = _with_ratios(time_calls(calls, device, 4 * seconds, fewest=_MODEL_RUNS))
        memory = {head: peak_memory(call, device) for head, call in calls.items()}
        result[task] = {'times': times, 'peak_bytes': memory}
        print(
            f'{name} {task}: stock {times[STOCK]["median_ms"]:.1f} ms, ours {times[OURS]["of_stock"]:.3f} of it; '
            f'memory {memory[OURS] / memory[STOCK]:.3f}',
            flush=True,
        )
    return result


def _with_ratios(times: dict[str, dict]) -> dict[str, dict]:
    for entry in times.values():
        entry['of_stock'] = entry['median_ms'] / times[STOCK]['median_ms']
    return times


def _print_step(case: Case, step: str, times: dict[str, dict], memory: dict[str, int]) -> None:
    aims = AIMS.get(case, {})
    aim = f' (aim {aims[step]})' if step in aims else ''
    others = ', '.join(f'{name} {entry["of_stock"]:.2f}' for name, entry in times.items() if name not in (STOCK, OURS))
    share = memory[OURS] / max(1, memory[STOCK])
    memory_aim = f' (aim {aims["memory"]})' if aims and step == 'cross_entropy' else ''
    print(
        f'  {step}: stock {times[STOCK]["median_ms"]:.2f} ms, ours {times[OURS]["of_stock"]:.2f}{aim}, '
        f'{100 * times[OURS]["of_flop_limit"]:.0f} % of the FLOP limit, memory {share:.2f}{memory_aim}; {others}',
        flush=True,
    )


def _about(device: torch.device, dtype: str) -> dict:
    name = torch.cuda.get_device_name() if device.type == 'cuda' else _processor()
    return {
        'device': name,
        'device_type': device.type,
        'dtype': dtype,
        'threads': torch.get_num_threads(),
        'date': datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        'versions': {
            'torch': torch.__version__,
            'mmseg_gdn': mmseg_gdn.__version__,
            'python': platform.python_version(),
            'cuda': torch.version.cuda,
        },
    }


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
        return next(line.split(':', 1)[1].strip() for line in lines if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _file_name(results: dict) -> str:
    name = results['device'].lower().replace(' ', '-').replace('(', '').replace(')', '')
    threads = f'-{results["threads"]}threads' if results['device_type'] == 'cpu' else ''
    return f'{name}{threads}-{results["dtype"]}'


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--device', default='cpu', choices=['cpu', 'cuda'])
    parser.add_argument('--dtype', default='fp32', choices=list(_DTYPES), help='half precisions run under autocast')
    parser.add_argument('--threads', type=int, help='threads of torch on the CPU (default: its own choice)')
    parser.add_argument('--seconds', type=float, default=6, help='per shape and step (default: 6)')
    parser.add_argument('--minutes', type=float, default=30, help='start no whole model after this long (default: 30)')
    parser.add_argument('--quick', action='store_true', help='the named shapes only, no growth and no whole models')
    return parser.parse_args()


if __name__ == '__main__':
    main()
