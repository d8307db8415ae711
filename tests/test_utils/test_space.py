"""Free space before anything is written."""

import shutil
from collections import namedtuple

import pytest

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.space import in_words, require_space

Usage = namedtuple('Usage', 'total used free')


@pytest.fixture(autouse=True)
def _three_gigabytes(monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: Usage(10**10, 7 * 10**9, 3 * 10**9))


def test_enough(tmp_path):
    require_space([(tmp_path / 'a' / 'new', 1e9), (tmp_path / 'b', 2e9)])


def test_folders_on_one_disk_add_up(tmp_path):
    with pytest.raises(InputError) as caught:
        require_space([(tmp_path / 'a' / 'new', 1.5e9), (tmp_path / 'b', 2e9)])
    assert str(caught.value) == (
        f'{tmp_path / "a" / "new"} and {tmp_path / "b"}: 3.5 GB are needed, but 3.0 GB are '
        'free; make room or choose folders on another disk.'
    )
    assert list(tmp_path.iterdir()) == []


def test_little_room_has_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: Usage(10**10, 10**10, 12_500))
    with pytest.raises(InputError, match=r'3\.4 MB are needed, but 12\.5 kB are free'):
        require_space([(tmp_path, 3.41e6)])


@pytest.mark.parametrize(
    ('size', 'words'),
    [
        (0, '0 bytes'),
        (4096, '4.1 kB'),
        (999_949, '999.9 kB'),
        (999_950, '1.0 MB'),
        (3.5e9, '3.5 GB'),
        (1e16, '10000.0 TB'),
    ],
)
def test_units(size, words):
    assert in_words(size) == words
