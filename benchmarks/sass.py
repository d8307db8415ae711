"""Reads the machine code of a compiled kernel: what is spilled to memory, and whether loops do it again and again."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import triton

_TOOLS = Path(triton.__file__).parent / 'backends' / 'nvidia' / 'bin'
_LABEL = re.compile(r'^(\.L\w+):')
_BRANCH = re.compile(r'\bBRA\b.*`\((\.L\w+)\)')
_SPILL = re.compile(r'\b(?:STL|LDL)\b')


class Needs(NamedTuple):
    """What the assembler says of a kernel.

    Attributes:
        registers: Per thread.
        spills: Bytes that are stored to and loaded from local memory, per pass over the code.
        spills_in_loops: Instructions in loops that do so.
    """

    registers: int
    spills: int
    spills_in_loops: int


def assemble(ptx: str) -> Needs:
    """Assemble a kernel.

    Args:
        ptx: The kernel as Triton compiles it.

    Returns:
        What it needs.
    """
    target = re.search(r'\.target (sm_\w+)', ptx)[1]
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, 'kernel.ptx'), Path(folder, 'kernel.cubin')
        source.write_text(ptx)
        report = _run('ptxas', '-v', f'--gpu-name={target}', source, '-o', binary).stderr
        code = _run('nvdisasm', '-c', binary).stdout
    spills = re.search(r'(\d+) bytes spill stores, (\d+) bytes spill loads', report)
    return Needs(
        int(re.search(r'Used (\d+) registers', report)[1]), int(spills[1]) + int(spills[2]), spills_in_loops(code)
    )


def spills_in_loops(code: str) -> int:
    """Count spills that are made more than once.

    Args:
        code: As ``nvdisasm`` writes it.

    Returns:
        Instructions that store to or load from local memory, between a label and a later branch back to it.
    """
    lines = code.splitlines()
    labels = {found[1]: number for number, line in enumerate(lines) if (found := _LABEL.match(line))}
    branches = [(labels[found[1]], number) for number, line in enumerate(lines) if (found := _BRANCH.search(line))]
    return sum(
        1
        for number, line in enumerate(lines)
        if _SPILL.search(line) and any(start < number < end for start, end in branches)
    )


def _run(tool: str, *args: object) -> subprocess.CompletedProcess:
    return subprocess.run([_TOOLS / tool, *args], check=True, capture_output=True, text=True)
