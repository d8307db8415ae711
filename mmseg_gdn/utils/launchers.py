"""Whether this process was started by the launcher that the command line names, and can find the others."""

from __future__ import annotations

import os
import shutil
import socket

from .errors import InputError

_SET_BY_LAUNCHERS = dict(
    none=(),
    pytorch=('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'),
    slurm=('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_NODELIST'),
    mpi=('OMPI_COMM_WORLD_LOCAL_RANK', 'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'MASTER_ADDR'),
)
# Number of the process, how many there are, and its number on its machine.
_NUMBERS = dict(
    pytorch=('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    slurm=('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    mpi=('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
)
_STARTERS = dict(pytorch='torchrun', slurm='srun', mpi='mpirun')
_SCRIPTS = dict(
    pytorch='tools/dist_train.sh or tools/dist_test.sh',
    slurm='tools/slurm_train.sh or tools/slurm_test.sh',
    mpi='mpirun -x MASTER_ADDR=HOST',
)
_PORTS = range(1, 65_536)


def require_launcher(launcher: str) -> None:
    """Make sure that a launcher has started this process, with numbers and an address that can be right.

    Args:
        launcher: As in ``--launcher``.

    Raises:
        InputError: If the environment lacks what the launcher sets, if that contradicts itself, or if it names a
            machine that cannot be found.
    """
    missing = [name for name in _SET_BY_LAUNCHERS[launcher] if name not in os.environ]
    if missing:
        raise InputError(
            f'--launcher {launcher} is for processes that {_STARTERS[launcher]} has started, but '
            f'{" and ".join(missing)} {"is" if len(missing) == 1 else "are"} not set; use '
            f'{_SCRIPTS[launcher]}, or leave out --launcher.'
        )
    if launcher == 'none':
        return
    _require_numbers(launcher)
    if launcher == 'slurm' and 'MASTER_ADDR' not in os.environ and shutil.which('scontrol') is None:
        raise InputError(
            '--launcher slurm asks scontrol for the name of the first machine, and there is no such '
            'command here; set MASTER_ADDR to that name.'
        )
    if 'MASTER_ADDR' in os.environ:
        _require_address(os.environ['MASTER_ADDR'])


def is_first_process(launcher: str) -> bool:
    """Whether this is the first of several processes, which may not know each other yet, or the only one.

    Args:
        launcher: As in ``--launcher``.
    """
    # Each launcher by its own variable: mpirun, started by a script of Slurm, hands on that script's number as well.
    return launcher == 'none' or os.environ.get(_NUMBERS[launcher][0], '0').strip() == '0'


def _require_numbers(launcher: str) -> None:
    rank_name, count_name, local_name = _NUMBERS[launcher]
    rank, count = _number(rank_name), _number(count_name)
    if local_name in os.environ:
        _number(local_name)
    if rank >= count:
        raise InputError(
            f'{rank_name}={rank} and {count_name}={count} in the environment contradict each other: '
            f'processes are numbered from 0 to {count_name}-1; correct them, or use {_SCRIPTS[launcher]}.'
        )
    if 'MASTER_PORT' in os.environ and _number('MASTER_PORT') not in _PORTS:
        raise InputError(
            f'MASTER_PORT={os.environ["MASTER_PORT"]} in the environment is no port; set one from 1024 to 65535.'
        )


def _number(name: str) -> int:
    text = os.environ[name].strip()
    if not (text.isascii() and text.isdigit()):
        raise InputError(
            f'{name}={text} in the environment is no number of 0 or more; correct it, or let the launcher set it.'
        )
    return int(text)


def _require_address(address: str) -> None:
    """Look the machine up: torch would try to reach one that does not exist for half an hour."""
    try:
        socket.getaddrinfo(address, None)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise InputError(
            f'MASTER_ADDR={address} in the environment is no machine that can be found ({reason}); set it '
            'to the name or address of the machine with process 0.'
        ) from error
