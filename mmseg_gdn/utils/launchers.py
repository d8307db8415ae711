"""Whether this process was started by the launcher that the command line names."""

from __future__ import annotations

import os

from .errors import InputError

_SET_BY_LAUNCHERS = dict(
    none=(), pytorch=('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'),
    slurm=('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_NODELIST'),
    mpi=('OMPI_COMM_WORLD_LOCAL_RANK', 'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'MASTER_ADDR'))
_RANKS = ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')
_STARTERS = dict(pytorch='torchrun', slurm='srun', mpi='mpirun')
_SCRIPTS = dict(
    pytorch='tools/dist_train.sh or tools/dist_test.sh', slurm='tools/slurm_train.sh or tools/slurm_test.sh',
    mpi='mpirun -x MASTER_ADDR=HOST')


def require_launcher(launcher: str) -> None:
    """Make sure that a launcher has started this process.

    Args:
        launcher: As in ``--launcher``.

    Raises:
        InputError: If the environment lacks what the launcher sets.
    """
    missing = [name for name in _SET_BY_LAUNCHERS[launcher] if name not in os.environ]
    if missing:
        raise InputError(f'--launcher {launcher} is for processes that {_STARTERS[launcher]} has started, but '
                         f'{" and ".join(missing)} {"is" if len(missing) == 1 else "are"} not set; use '
                         f'{_SCRIPTS[launcher]}, or leave out --launcher.')


def is_first_process(launcher: str) -> bool:
    """Whether this is the first of several processes, which may not know each other yet, or the only one.

    Args:
        launcher: As in ``--launcher``.
    """
    rank = next((os.environ[name] for name in _RANKS if name in os.environ), '0')
    return launcher == 'none' or rank == '0'
