"""Checkpoints that belong to a model, and those that do not."""

import pytest
import torch
from torch import nn

from mmseg_gdn.engine.checkpoint import check_checkpoint, load_weights, read_weights
from mmseg_gdn.models.layers import GlobalInterp
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


@pytest.mark.parametrize(('init', 'accepted'), [('bilinear', True), ('caffe', False)])
def test_matrices_may_be_missing_if_they_start_as_bilinear(tmp_path, init, accepted):
    model = nn.Sequential(nn.Linear(2, 3), GlobalInterp((2, 2), (8, 8), init=init, channels=3))
    stock = save({key: value + 1 for key, value in model.state_dict().items() if 'kernel' not in key},
                 tmp_path / 'stock.pth')
    if accepted:
        expected = model[0].weight + 1
        load_weights(model, stock)
        assert torch.equal(model[0].weight, expected)
    else:
        with pytest.raises(InputError, match='it lacks 1.kernel_h; it lacks 1.kernel_w'):
            load_weights(model, stock)


def test_files_that_are_no_checkpoints(tmp_path):
    with pytest.raises(InputError, match='There is no checkpoint'):
        read_weights(str(tmp_path / 'nothing.pth'))
    text = tmp_path / 'text.pth'
    text.write_text('weights')
    with pytest.raises(InputError, match='cannot be read as a checkpoint'):
        read_weights(str(text))
    with pytest.raises(InputError, match='holds no state dict'):
        read_weights(save({}, tmp_path / 'empty.pth'))
