"""What a launcher has put into the environment, and what of it cannot be right."""

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.launchers import is_first_process, require_launcher

RIGHT = dict(
    pytorch=dict(RANK='1', WORLD_SIZE='2', LOCAL_RANK='1', MASTER_ADDR='localhost', MASTER_PORT='29500'),
    slurm=dict(SLURM_PROCID='1', SLURM_NTASKS='2', SLURM_LOCALID='1', SLURM_NODELIST='n[1-2]', MASTER_ADDR='127.0.0.1'),
    mpi=dict(
        OMPI_COMM_WORLD_RANK='1', OMPI_COMM_WORLD_SIZE='2', OMPI_COMM_WORLD_LOCAL_RANK='1', MASTER_ADDR='localhost'
    ),
)
RANKS = [(launcher, next(iter(names))) for launcher, names in RIGHT.items()]
LOCAL_RANKS = [('pytorch', 'LOCAL_RANK'), ('slurm', 'SLURM_LOCALID'), ('mpi', 'OMPI_COMM_WORLD_LOCAL_RANK')]
SIZES = [('pytorch', 'WORLD_SIZE'), ('slurm', 'SLURM_NTASKS'), ('mpi', 'OMPI_COMM_WORLD_SIZE')]


@pytest.fixture
def launched(monkeypatch):
    """Check a launcher with its environment, in part changed; ``None`` takes a variable away."""

    def check(launcher, **changes):
        for name in {name for names in RIGHT.values() for name in names}:
            monkeypatch.delenv(name, raising=False)
        for name, value in (RIGHT[launcher] | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        require_launcher(launcher)

    return check


@pytest.mark.parametrize('launcher', RIGHT)
def test_what_launchers_set(launched, launcher):
    launched(launcher)


@pytest.mark.parametrize(('launcher', 'name'), RANKS)
def test_the_first_process_is_that_of_the_launcher_in_use(launched, monkeypatch, launcher, name):
    launched(launcher)
    for other, variable in RANKS:
        if other != launcher:
            monkeypatch.setenv(variable, '0')  # as of a script that has started this launcher
    assert not is_first_process(launcher)
    assert is_first_process('none')
    monkeypatch.setenv(name, '0')
    assert is_first_process(launcher)


@pytest.mark.parametrize(('launcher', 'name'), [*RANKS, *SIZES, *LOCAL_RANKS])
@pytest.mark.parametrize('value', ['x', 'two', '-1', '1.5', ''])
def test_numbers_that_are_none(launched, launcher, name, value):
    with pytest.raises(InputError, match=rf'^{name}={value} in the environment is no number of 0 or more; correct it'):
        launched(launcher, **{name: value})


@pytest.mark.parametrize(('launcher', 'name'), RANKS)
@pytest.mark.parametrize('rank', ['2', '7'])
def test_a_rank_beyond_the_last(launched, launcher, name, rank):
    with pytest.raises(InputError, match=rf'^{name}={rank} and \w+=2 in the environment contradict each other'):
        launched(launcher, **{name: rank})


@pytest.mark.parametrize('launcher', RIGHT)
def test_a_machine_that_does_not_exist(launched, launcher):
    with pytest.raises(InputError, match=r'MASTER_ADDR=no-such-host\.invalid in the environment is no machine that'):
        launched(launcher, MASTER_ADDR='no-such-host.invalid')


@pytest.mark.parametrize(
    ('port', 'message'),
    [
        ('x', 'MASTER_PORT=x in the environment is no number'),
        ('0', 'MASTER_PORT=0 in the environment is no port'),
        ('70000', 'MASTER_PORT=70000 in the environment is no port; set one from 1024 to 65535'),
    ],
)
def test_ports(launched, port, message):
    with pytest.raises(InputError, match=message):
        launched('pytorch', MASTER_PORT=port)


def test_slurm_without_scontrol(launched, monkeypatch):
    monkeypatch.setenv('PATH', '/nowhere')
    with pytest.raises(InputError, match='asks scontrol for the name of the first machine.*set MASTER_ADDR to that'):
        launched('slurm', MASTER_ADDR=None)
