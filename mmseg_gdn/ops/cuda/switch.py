"""Whether the Triton kernels are used: where they were measured to be faster, or where the environment says so."""

from __future__ import annotations

import json
import os
import warnings
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch

from mmseg_gdn.utils.switches import read_switch

# Triton, which takes these words, then runs kernels in Python, also on CPU tensors.
INTERPRETED = os.environ.get('TRITON_INTERPRET', '').lower() in ('1', 'true', 'on', 'yes', 'y')
_SWITCH = 'MMSEG_GDN_TRITON'
_TYPES = (torch.float32, torch.bfloat16, torch.float16, *[torch.float64] * INTERPRETED)
_MEASURED = Path(__file__).with_name('measured.json')  # benchmarks/gpu_record.py writes it
_problems: list[str] = []  # why the kernels cannot be used in this process


def is_on(operator: str, dtype: torch.dtype, device: torch.device) -> bool:
    """Whether kernels are to compute an operator.

    Args:
        operator: Its name.
        dtype: The type of its products.
        device: Where its tensors are.

    Returns:
        Whether they were measured to be faster on devices of that compute capability, unless ``MMSEG_GDN_TRITON`` in
        the environment says yes or no.

    Raises:
        InputError: If that variable has a value that says neither.
    """
    wanted = _wanted()
    if wanted is False or _problems or dtype not in _TYPES or not (device.type == 'cuda' or INTERPRETED):
        return False
    return wanted or (device.type == 'cuda' and _is_faster(operator, dtype, torch.cuda.get_device_capability(device)))


def status() -> str:
    """One sentence: whether the Triton kernels are used, and if not, why.

    Raises:
        InputError: See :func:`is_on`.
    """
    value, wanted = os.environ.get(_SWITCH), _wanted()
    if wanted is False:
        return f'The Triton kernels are switched off by {_SWITCH}={value}.'
    if _problems:
        return f"The Triton kernels are not used, PyTorch's operations do their work: {_problems[0]}."
    if find_spec('triton') is None:
        return "The Triton kernels are not used, PyTorch's operations do their work: Triton is not installed."
    if wanted:
        return f'The Triton kernels are switched on by {_SWITCH}={value}.'
    classes = ', '.join(sorted(_measured()))
    if not classes:
        return f'The Triton kernels are not used, because no GPU was measured yet; {_SWITCH}=1 switches them on.'
    return (f'The Triton kernels are used on GPUs of compute capability {classes}, where they were measured to be '
            f'faster; {_SWITCH}=1 switches them on elsewhere.')


def give_up(error: Exception) -> None:
    """Use the kernels no more in this process, and say so once."""
    if not _problems:
        _problems.append(f'they could not be compiled or started ({type(error).__name__}: {error})')
        warnings.warn(f'{status()} {_SWITCH}=0 in the environment avoids the attempt.', RuntimeWarning, stacklevel=4)


def _wanted() -> bool | None:
    return read_switch(_SWITCH, 'the Triton kernels')


def _is_faster(operator: str, dtype: torch.dtype, capability: tuple[int, int]) -> bool:
    entry = _measured().get('{}.{}'.format(*capability), {})
    return str(dtype).removeprefix('torch.') in entry.get('faster', {}).get(operator, ())


@cache
def _measured() -> dict[str, dict]:
    """By compute capability, the result file and the types in which each operator was faster than the reference."""
    return json.loads(_MEASURED.read_text()) if _MEASURED.exists() else {}
