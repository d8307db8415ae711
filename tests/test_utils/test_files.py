"""Files that exist complete or not at all, and hints at similar names."""

import os
import stat

import pytest

from mmseg_gdn.utils import InputError, atomic_write
from mmseg_gdn.utils.files import similar_files


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


def test_refuses_a_pipe(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(InputError, match='it is a pipe, which a file would replace'), atomic_write(tmp_path / 'pipe'):
        pass
    assert stat.S_ISFIFO(os.stat(tmp_path / 'pipe').st_mode)


def test_refuses_a_place_that_cannot_be_written(tmp_path):
    blocker = tmp_path / 'file'
    blocker.touch()
    with pytest.raises(InputError, match='choose a folder you may write to'), atomic_write(blocker / 'result.txt'):
        pass


def test_a_misspelt_name_gets_a_hint(tmp_path):
    (tmp_path / 'fcn').mkdir()
    (tmp_path / 'fcn' / 'fcn_r50-d8_4xb4-20k.py').touch()
    (tmp_path / 'unet.py').touch()
    assert similar_files('configs/fcn_r50-d8_4xb4-20.py', tmp_path, '*.py') == (
        ' Did you mean fcn/fcn_r50-d8_4xb4-20k.py?'
    )
    assert similar_files('configs/deeplab.py', tmp_path, '*.py') == ''
    assert similar_files('deeplab.py', tmp_path / 'none', '*.py') == ''


def test_a_disk_without_room_leaves_the_old_file(tmp_path, limit_files):
    path = tmp_path / 'result.txt'
    path.write_text('old')
    limit_files(4096)
    with pytest.raises(InputError, match=r'Cannot write .*result\.txt .*run this again'), atomic_write(path) as partial:
        partial.write_bytes(bytes(9000))
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
