"""Where the page listens."""

import socket

import pytest

from mmseg_gdn.demo_page.server import address_of, is_for_this_machine_only, listen
from mmseg_gdn.utils import InputError


def test_loopback():
    with listen('127.0.0.1', 0) as listening:
        assert address_of(listening) == f'http://127.0.0.1:{listening.getsockname()[1]}'
        assert is_for_this_machine_only(listening)


def test_all_addresses():
    with listen('0.0.0.0', 0) as listening:
        assert not is_for_this_machine_only(listening)


def test_a_port_in_use():
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            InputError,
            match=rf'Cannot listen on port {port} of 127.0.0.1 \(.*in use.*\); name another '
            'port with --port',
        ):
            listen('127.0.0.1', port)


@pytest.mark.parametrize(
    ('host', 'port'), [('no such host', 0), ('203.0.113.1', 0), ('127.0.0.1', 99999), ('127.0.0.1', -1), ('a' * 300, 0)]
)
def test_nowhere_to_listen(host, port):
    with pytest.raises(InputError, match='or another address with --host'):
        listen(host, port)
