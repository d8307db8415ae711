"""Interleaved timings, peak memory, and what the machine can do at best."""

from __future__ import annotations

import statistics
import time
from typing import Callable

import torch
from torch.profiler import ProfilerActivity, profile

_SLOW = 8  # times the fastest call: such calls are timed as rarely as may be


def time_calls(
    calls: dict[str, Callable[[], object]], device: torch.device, seconds: float, fewest: int = 3
) -> dict[str, dict]:
    """Milliseconds of each call: one run of each after the other, round after round, so that all see the same machine.

    Args:
        calls: What to time, by name.
        device: Where the calls compute; on CUDA its own clock is read.
        seconds: About how long to measure.
        fewest: How often each call is run at least.

    Returns:
        Per name the median, the quartiles and the number of runs.
    """
    clock = _cuda_milliseconds if device.type == 'cuda' else _cpu_milliseconds
    first = {name: clock(call) for name, call in calls.items()}
    first = {name: min(first[name], clock(call)) if first[name] < 1000 else first[name] for name, call in calls.items()}
    rounds = int(max(fewest, min(200, 1000 * seconds / sum(first.values()))))
    times = {name: [] for name in calls}
    for index in range(rounds):
        for name, call in _rotated(calls, index):
            if index < fewest or first[name] < _SLOW * min(first.values()):
                times[name].append(clock(call))
    return {name: _summary(values) for name, values in times.items()}


def peak_memory(call: Callable[[], object], device: torch.device) -> int:
    """Bytes that a call holds at most, on top of what was held before."""
    call()
    if device.type == 'cuda':
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        call()
    held = peak = 0
    for event in sorted(recorded.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == '[memory]':
            held += event.nbytes()
            peak = max(peak, held)
    return peak


def machine_limits(device: torch.device, dtype: torch.dtype) -> dict[str, float]:
    """The best rates seen here: of a large matrix product, and of filling memory that is already mapped."""
    side = 8192 if device.type == 'cuda' else 1024
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    product = torch.empty_like(left)
    memory = torch.empty(2**28 if device.type == 'cuda' else 2**26, device=device)
    clock = _cuda_milliseconds if device.type == 'cuda' else _cpu_milliseconds
    product_ms = min(clock(lambda: torch.mm(left, right, out=product)) for _ in range(20))
    fill_ms = min(clock(lambda: memory.fill_(1)) for _ in range(10))
    return {'gflop_per_s': 2 * side**3 / product_ms / 1e6, 'gbyte_per_s': memory.numel() * 4 / fill_ms / 1e6}


def _rotated(calls: dict, index: int) -> list[tuple]:
    items = list(calls.items())
    first = index % len(items)
    return items[first:] + items[:first]


def _cpu_milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def _cuda_milliseconds(call: Callable[[], object]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    call()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end)


def _summary(values: list[float]) -> dict:
    low, median, high = statistics.quantiles(values, n=4)
    return {'median_ms': median, 'quartiles_ms': [low, high], 'runs': len(values)}
