"""Names that are no files."""

import os
import socket

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.regular import other_kind, require_no_pipe


def test_files_folders_and_nothing(tmp_path):
    (tmp_path / 'file').touch()
    for path in (tmp_path, tmp_path / 'file', tmp_path / 'missing', 'a\0b'):
        assert other_kind(path) is None
        require_no_pipe(path)


def test_pipes_devices_and_sockets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo('pipe')
    with socket.socket(socket.AF_UNIX) as server:
        server.bind('socket')
        kinds = [other_kind(path) for path in ('pipe', 'socket', '/dev/zero')]
    assert kinds == ['a pipe', 'a socket', 'a device']
    with pytest.raises(InputError, match='pipe is a pipe, not a file'):
        require_no_pipe('pipe')
