"""One run at a time in a folder."""

import multiprocessing
import os
import signal

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.lock import only_user

FORK = multiprocessing.get_context('fork')


def hold(folder, held):
    """Hold the lock, with a child that outlives this process."""
    with only_user(folder):
        child = FORK.Process(target=signal.pause)
        child.start()
        held.send(child.pid)
        signal.pause()


def test_a_killed_run_leaves_no_lock_though_its_children_live(tmp_path):
    held, sent = FORK.Pipe(duplex=False)
    other = FORK.Process(target=hold, args=(tmp_path, sent))
    other.start()
    child = held.recv()
    try:
        with pytest.raises(InputError, match=f'Another run uses {tmp_path}; wait for it'), only_user(tmp_path):
            pass
        other.kill()
        other.join()
        with only_user(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / 'lock').mkdir()
    with pytest.raises(InputError, match='Cannot write .*lock .*--work-dir'), only_user(tmp_path):
        pass


def test_a_lock_that_leaves_nothing_behind(tmp_path):
    with only_user(tmp_path, '.in_use', '--out', stays=False):
        told = rf'Another run uses {tmp_path}; wait for it, .* by --out'
        with pytest.raises(InputError, match=told), only_user(tmp_path, '.in_use', '--out', stays=False):
            pass
        assert (tmp_path / '.in_use').exists()
    assert not list(tmp_path.iterdir())


def test_a_lock_that_another_run_removes_in_between(tmp_path, monkeypatch):
    monkeypatch.setattr('fcntl.flock', lambda file, how: (tmp_path / 'lock').unlink())
    with pytest.raises(InputError, match='Another run uses'), only_user(tmp_path):
        pass
