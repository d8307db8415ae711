"""The models that predict where none is named."""

import json

import pytest

from mmseg_gdn.prediction.default_model import default_model
from mmseg_gdn.utils import InputError


@pytest.fixture
def folder(tmp_path):
    """A table that names a config and a checkpoint, of which only the config is there."""
    (tmp_path / 'checkpoints').mkdir()
    table = dict(gdn=dict(config='a.py', checkpoint='a.pth'))
    (tmp_path / 'checkpoints/default.json').write_text(json.dumps(table))
    (tmp_path / 'a.py').touch()
    return tmp_path


def test_no_table(tmp_path):
    with pytest.raises(InputError, match=r'no model to predict with, because .*default.json does not exist; name one'):
        default_model('name one', tmp_path)


def test_missing_checkpoint(folder):
    with pytest.raises(InputError, match=r'default.json names .*a.pth, which does not exist; restore it, or name one'):
        default_model('name one', folder)


def test_missing_entry(folder):
    with pytest.raises(InputError, match=r"cannot be used \(KeyError: 'bilinear'\); restore it, or name one"):
        default_model('name one', folder, 'bilinear')


def test_paths(folder):
    (folder / 'a.pth').touch()
    assert default_model('name one', folder) == (str(folder / 'a.py'), str(folder / 'a.pth'))
