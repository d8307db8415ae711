"""Compiles the Triton kernels for GPUs that are not here, and tells what they need and how fast they could be.

For each shape of the benchmark: registers, spills and shared memory of each kernel, and for each operator the time that
its bytes and its operations take at the rates of the data sheets. The table goes to docs/triton_resources.md, the
numbers to benchmarks/results/triton_resources.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import NamedTuple

import torch
import triton
from cases import Case
from gpu_cases import GPU_CASES
from sass import assemble
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton_launches import OPERATORS, Launch, plan, tensor_bytes, tiles_flops

from mmseg_gdn.ops.cuda import tiles
from mmseg_gdn.utils import InputError, atomic_write, run_tool

_ROOT = Path(__file__).resolve().parents[1]
_TYPES = {'bfloat16': torch.bfloat16, 'float32': torch.float32}
_compiled: dict[tuple, dict[str, int]] = {}
_TYPE_NAMES = {torch.float32: '*fp32', torch.bfloat16: '*bf16', torch.float16: '*fp16', torch.int64: '*i64'}


class Gpu(NamedTuple):
    """Rates of a data sheet, dense: terabytes and teraflops per second; float32 multiplied in three parts of tf32."""

    name: str
    capability: int
    tbytes: float
    tflops: dict[torch.dtype, float]
    shared_bytes: int


GPUS = (
    Gpu('A100 SXM 80 GB', 80, 2.04, {torch.bfloat16: 312, torch.float32: 156 / 3}, 163 << 10),
    Gpu('H100 SXM', 90, 3.35, {torch.bfloat16: 989, torch.float32: 495 / 3}, 227 << 10),
)


def resources(launch: Launch, capability: int) -> dict[str, int]:
    """What a kernel needs.

    Args:
        launch: With the arguments that the kernel is compiled for.
        capability: Such as 90 for 9.0.

    Returns:
        What the assembler says (see :class:`sass.Needs`), bytes of shared memory, and warps.
    """
    options = {name: launch.arguments[name] for name in ('num_warps', 'num_stages') if name in launch.arguments}
    source = _source(launch)
    key = source.hash(), capability, *options.items()
    if key not in _compiled:  # most launches differ in nothing that is compiled
        _compiled[key] = _compile(source, capability, options)
    return _compiled[key]


def _compile(source: ASTSource, capability: int, options: dict[str, int]) -> dict[str, int]:
    kernel = triton.compile(source, target=GPUTarget('cuda', capability, 32), options=options)
    return {
        **assemble(kernel.asm['ptx'])._asdict(),
        'shared': kernel.metadata.shared,
        'warps': kernel.metadata.num_warps,
    }


def limits(launches: list[Launch], small_flops: int, dtype: torch.dtype, gpu: Gpu) -> dict[str, float]:
    """Bytes, operations, and the milliseconds that each of the two takes at least."""
    size, flops = sum(map(tensor_bytes, launches)), sum(map(tiles_flops, launches)) + small_flops
    return {
        'bytes': size,
        'flops': flops,
        'bytes_ms': size / gpu.tbytes / 1e9,
        'flops_ms': flops / gpu.tflops[dtype] / 1e9,
    }


def main() -> None:
    """Compile everything, and write table and numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--table', type=Path, default=_ROOT / 'docs' / 'triton_resources.md')
    parser.add_argument('--numbers', type=Path, default=_ROOT / 'benchmarks' / 'results' / 'triton_resources.json')
    parser.add_argument('--types', nargs='+', choices=list(_TYPES), default=list(_TYPES), help='default: all')
    args = parser.parse_args()
    if torch.cuda.is_available() and tiles.precision(torch.float32) == 'tf32':
        raise InputError('TF32 is allowed, so float32 would be multiplied once instead of three times; switch it off.')
    with atomic_write(args.table) as table, atomic_write(args.numbers) as numbers:
        rows = [
            _row(case, dtype, operator, gpu)
            for dtype in map(_TYPES.get, args.types)
            for operator in OPERATORS
            for gpu in GPUS
            for case in GPU_CASES
        ]
        table.write_text(_markdown(rows))
        numbers.write_text(json.dumps({'triton': triton.__version__, 'rows': rows}, indent=1) + '\n')
    print(f'written: {args.table} and {args.numbers}')


def _row(case: Case, dtype: torch.dtype, operator: str, gpu: Gpu) -> dict:
    launches, small_flops = plan(operator, case, dtype)
    kernels = {}
    for launch in launches:
        name = launch.kernel.__name__.strip('_').removesuffix('_kernel')
        needs = resources(launch, gpu.capability)
        kernels[name] = {what: max(value, kernels.get(name, needs)[what]) for what, value in needs.items()}
    row = {
        'case': case.name,
        'type': str(dtype).removeprefix('torch.'),
        'operator': operator,
        'gpu': gpu.name,
        'launches': len(launches),
        'kernels': kernels,
        **limits(launches, small_flops, dtype, gpu),
    }
    fits = all(needs['shared'] <= gpu.shared_bytes for needs in kernels.values())
    print(
        f'{row["case"]} {row["type"]} {operator} {gpu.name}: {kernels}{"" if fits else " TOO MUCH SHARED MEMORY"}',
        flush=True,
    )
    return row


def _source(launch: Launch) -> ASTSource:
    """As Triton's launcher specializes it: 1 is a constant, and multiples of 16 and addresses are known to be such."""
    signature, constants, hints = {}, {}, {}
    for index, parameter in enumerate(launch.kernel.params):
        name, value = parameter.name, launch.arguments[parameter.name]
        if parameter.is_constexpr or (type(value) is int and value == 1):
            signature[name], constants[(index,)] = 'constexpr', value
        elif isinstance(value, float):
            signature[name] = 'fp32'
        elif isinstance(value, torch.Tensor):
            signature[name], hints[(index,)] = _TYPE_NAMES[value.dtype], [['tt.divisibility', 16]]
        else:
            signature[name] = 'i32' if abs(value) < 2**31 else 'i64'
            if value % 16 == 0:
                hints[(index,)] = [['tt.divisibility', 16]]
    return ASTSource(launch.kernel, signature, constants, hints)


def _markdown(rows: list[dict]) -> str:
    lines = [
        '# What the Triton kernels need, and how fast they could be',
        '',
        'After reading this you know what limits the kernels on two generations of GPUs.',
        '',
        'Made by `python benchmarks/triton_resources.py`, which compiles them for GPUs that are not there, so',
        'nothing here was measured. The limits are bytes (each tensor of a launch once) and operations (those of',
        'empty lanes too, and float32 in three parts of tf32) at the rates of the data sheets; the larger one is',
        'the least time possible. Of each kernel: registers / bytes of spills / spills in loops / KiB of shared',
        'memory / warps.',
        '',
    ]
    for gpu in GPUS:
        lines += [
            f'## {gpu.name}',
            '',
            '| operator | type | shape | launches | kernels | GB | bytes, ms | TFLOP | FLOP, ms |',
            '|---' * 9 + '|',
        ]
        lines += [_line(row) for row in rows if row['gpu'] == gpu.name]
        lines.append('')
    return '\n'.join(lines).rstrip() + '\n'


def _line(row: dict) -> str:
    kernels = ', '.join(
        f'{name} {needs["registers"]} / {needs["spills"]} / {needs["spills_in_loops"]} / '
        f'{needs["shared"] / 1024:.0f} / {needs["warps"]}'
        for name, needs in row['kernels'].items()
    )
    return (
        f'| {row["operator"]} | {row["type"]} | {row["case"].replace("->", " → ")} | {row["launches"]} | {kernels} '
        f'| {row["bytes"] / 1e9:.3f} | {row["bytes_ms"]:.3f} | {row["flops"] / 1e12:.3f} | {row["flops_ms"]:.3f} |'
    )


if __name__ == '__main__':
    sys.exit(run_tool(main))
