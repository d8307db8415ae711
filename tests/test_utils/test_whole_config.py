"""Copies of a config are whole, or not there."""

import copy

import pytest
from mmengine.config import Config

from mmseg_gdn.utils import InputError
from mmseg_gdn.utils.cli import read_config
from mmseg_gdn.utils.whole_config import WholeConfig


@pytest.fixture
def cfg(tmp_path):
    """A config, as the tools read it."""
    path = tmp_path / 'my.py'
    path.write_text(f"model = dict(type='A', text={'x' * 10_000!r})\n")
    return read_config(str(path))


def test_is_what_mmengine_makes_of_it(cfg, tmp_path):
    assert isinstance(cfg, WholeConfig)
    for one in (cfg, cfg.copy(), copy.deepcopy(cfg)):
        one.dump(tmp_path / 'copy.py')
        assert Config.fromfile(tmp_path / 'copy.py').to_dict() == cfg.to_dict()
    assert (tmp_path / 'copy.py').read_text() == cfg.dump() == cfg.pretty_text


@pytest.mark.parametrize('older', [None, 'a = 1\n'])
def test_a_disk_without_room(cfg, tmp_path, limit_files, older):
    folder = tmp_path / 'run'
    folder.mkdir()
    if older:
        (folder / 'my.py').write_text(older)
    limit_files(4096)
    with pytest.raises(InputError, match=r'my\.py'):
        cfg.dump(folder / 'my.py')
    assert [path.read_text() for path in folder.iterdir()] == ([older] if older else [])
