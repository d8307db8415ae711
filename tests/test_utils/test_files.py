"""Files that exist complete or not at all."""

import pytest

from mmseg_gdn.utils import InputError, atomic_write


def test_writes(tmp_path):
    path = tmp_path / 'new' / 'result.tar.gz'
    with atomic_write(path) as partial:
        assert partial.name.endswith('.tar.gz')
        partial.write_text('whole')
    assert path.read_text() == 'whole'
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / 'result.txt'
    path.write_text('old')
    with pytest.raises(KeyError), atomic_write(path) as partial:
        partial.write_text('half')
        raise KeyError
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_refuses_a_folder(tmp_path):
    with pytest.raises(InputError, match='it is a folder; name a file instead'), atomic_write(tmp_path):
        pass


def test_refuses_a_place_that_cannot_be_written(tmp_path):
    blocker = tmp_path / 'file'
    blocker.touch()
    with pytest.raises(InputError, match='choose a folder you may write to'), atomic_write(blocker / 'result.txt'):
        pass
