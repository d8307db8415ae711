"""Processes that do not meet."""

import datetime
import socket

import pytest
from torch import distributed as dist

from mmseg_gdn.utils import run_tool
from mmseg_gdn.utils.connections import explain


@pytest.fixture
def port(monkeypatch):
    """A free port, and an environment that names it."""
    with socket.socket() as found:
        found.bind(('localhost', 0))
        number = found.getsockname()[1]
    monkeypatch.setenv('MASTER_ADDR', 'localhost')
    monkeypatch.setenv('MASTER_PORT', str(number))
    return number


def connect(port, is_first):
    wait = datetime.timedelta(seconds=1)
    return lambda: dist.TCPStore('localhost', port, 2, is_first, timeout=wait, use_libuv=False)


@pytest.mark.parametrize('is_first', [True, False])
def test_the_other_process_is_missing(port, is_first):
    with pytest.raises(SystemExit, match=rf'error: The processes have not met at localhost:{port} .* all of them'):
        run_tool(connect(port, is_first))


def test_a_port_that_is_taken(port):
    with socket.socket() as other:
        other.bind(('', port))
        other.listen()
        with pytest.raises(SystemExit, match=f'error: Another program, or another training, uses localhost:{port}'):
            run_tool(connect(port, True))


def test_other_errors():
    assert explain(RuntimeError('shapes')) is None
