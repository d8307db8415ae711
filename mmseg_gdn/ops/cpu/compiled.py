"""The compiled library, if it was built and this machine can run it."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import torch

from mmseg_gdn.utils.switches import read_switch

_PROCESSORS = ('AVX2', 'AVX512')
_SWITCH = 'MMSEG_GDN_NATIVE'
_INTERFACE = 4  # as in interface.c: what was compiled from other sources is not called
_POINTER, _LONG, _INT = ctypes.c_void_p, ctypes.c_long, ctypes.c_int
_ARGUMENTS = {
    'gdn_product_workspace': (*3 * [_LONG], _INT, _INT),
    'gdn_product': (*4 * [_POINTER], *5 * [_LONG], _INT, _POINTER, _INT),
    'gdn_product_gradients_workspace': (*5 * [_LONG], _INT, _INT),
    'gdn_product_gradients': (*7 * [_POINTER], *5 * [_LONG], _INT, _POINTER, _INT),
    'gdn_argmax_workspace': (*6 * [_LONG], _INT),
    'gdn_argmax': (*4 * [_POINTER], *8 * [_LONG], _POINTER, _INT),
    'gdn_cross_entropy_workspace': (*6 * [_LONG], _INT, _INT),
    'gdn_cross_entropy': (_POINTER,),
}


def is_available() -> bool:
    """Whether the compiled code is there and runs here; ``MMSEG_GDN_NATIVE=0`` in the environment switches it off.

    Raises:
        InputError: If that variable has a value that says neither yes nor no.
    """
    return not _is_switched_off() and _load()[0] is not None


def status() -> str:
    """One sentence: whether the compiled code is used, and if not, why.

    Raises:
        InputError: See :func:`is_available`.
    """
    if _is_switched_off():
        return f'The compiled CPU operators are switched off by {_SWITCH}={os.environ[_SWITCH]}.'
    loaded, problem = _load()
    if loaded is None:
        return f"The compiled CPU operators are not used, PyTorch's operations do their work: {problem}."
    return 'The compiled CPU operators are used for float32.'


def _is_switched_off() -> bool:
    return read_switch(_SWITCH, 'the compiled operators') is False


def library() -> ctypes.CDLL:
    """The library.

    Raises:
        RuntimeError: Where it cannot be used; see :func:`is_available`.
    """
    loaded, problem = _load()
    if loaded is None:
        raise RuntimeError(f'The compiled CPU operators cannot be used: {problem}.')
    return loaded


@cache
def _load() -> tuple[ctypes.CDLL | None, str]:
    """The library, or ``None`` and the reason."""
    if torch.backends.cpu.get_cpu_capability() not in _PROCESSORS:
        return None, 'they need a processor with AVX2'
    problem = 'they were not built; with gcc or clang and OpenMP at hand, install mmseg-gdn again'
    # PyTorch is loaded already, so that the library shares its threads and does not start others beside them.
    for path in Path(__file__).parent.glob('_kernels*.so'):
        try:
            loaded = ctypes.CDLL(str(path))
        except OSError as error:
            problem = f'{path.name} cannot be loaded ({error})'
            continue
        if not hasattr(loaded, 'gdn_interface') or loaded.gdn_interface() != _INTERFACE:
            problem = f'{path.name} was built from other sources; install mmseg-gdn again'
            continue
        for name, types in _ARGUMENTS.items():
            function = getattr(loaded, name)
            function.argtypes, function.restype = types, _LONG if name.endswith('workspace') else None
        return loaded, ''
    return None, problem
