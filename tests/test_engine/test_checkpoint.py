"""Checkpoints that belong to a model, and those that do not."""

import pytest
import torch
from torch import nn

from mmseg_gdn.engine.checkpoint import check_checkpoint, read_weights
from mmseg_gdn.utils import InputError


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))


def save(state, path):
    torch.save(dict(state_dict=state, meta={}), path)
    return str(path)


def test_own_checkpoint(model, tmp_path):
    check_checkpoint(model, save(model.state_dict(), tmp_path / 'own.pth'))


@pytest.mark.parametrize(('other', 'message'), [
    (nn.Sequential(nn.Linear(2, 3)), '2 of 4 keys do not fit: it lacks 1.weight; it lacks 1.bias'),
    (nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 5)), r'1.weight is \(5, 3\) instead of \(4, 3\)'),
    (nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4), nn.Linear(4, 1)), '2.weight is unknown to the model'),
])
def test_another_architecture(model, tmp_path, other, message):
    with pytest.raises(InputError, match=message):
        check_checkpoint(model, save(other.state_dict(), tmp_path / 'other.pth'))


def test_files_that_are_no_checkpoints(tmp_path):
    with pytest.raises(InputError, match='There is no checkpoint'):
        read_weights(str(tmp_path / 'nothing.pth'))
    text = tmp_path / 'text.pth'
    text.write_text('weights')
    with pytest.raises(InputError, match='cannot be read as a checkpoint'):
        read_weights(str(text))
    with pytest.raises(InputError, match='holds no state dict'):
        read_weights(save({}, tmp_path / 'empty.pth'))
