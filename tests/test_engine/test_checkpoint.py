"""Checkpoints that belong to a model, and those that do not."""

import pytest
import torch
from torch import nn

from mmseg_gdn.engine.checkpoint import (
    bring_to_standard_form,
    check_weights,
    load_weights,
    read_weights,
    require_checkpoint,
)
from mmseg_gdn.models.layers import GlobalInterp
from mmseg_gdn.utils import InputError


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))


def save(state, path):
    torch.save(dict(state_dict=state, meta={}), path)
    return str(path)


def test_own_checkpoint(model, tmp_path):
    load_weights(model, save(model.state_dict(), tmp_path / 'own.pth'))


@pytest.fixture
def warnings(monkeypatch):
    """What is warned about."""
    messages = []
    monkeypatch.setattr(
        'mmseg_gdn.engine.checkpoint.print_log', lambda message, logger, level: messages.append(message)
    )
    return messages


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        (nn.Sequential(nn.Linear(2, 3)), r'\(2 of 4 keys: it lacks 1.weight; it lacks 1.bias\)'),
        (nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 5)), r'1.weight is \(5, 3\) instead of \(4, 3\)'),
    ],
)
def test_another_architecture_is_refused(model, tmp_path, other, message):
    with pytest.raises(InputError, match=message):
        load_weights(model, save(other.state_dict(), tmp_path / 'other.pth'))


def test_keys_that_the_model_does_not_use_are_a_warning(model, tmp_path, warnings):
    other = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4), nn.Linear(4, 1))
    path = save(other.state_dict(), tmp_path / 'other.pth')
    load_weights(model, path)
    assert torch.equal(model[1].weight, other[1].weight)
    assert warnings == [f'{path} has keys that the model does not use (2: 2.weight, 2.bias).']


def test_matrices_that_the_model_would_leave_out_are_refused(tmp_path, warnings):
    weights = Segmentor().state_dict()
    model = Segmentor()
    del model.decode_head.interp
    path = save(weights, tmp_path / 'gdn.pth')
    with pytest.raises(InputError, match=r'use the config it was trained with\.$') as error:
        load_weights(model, path)
    assert 'gdn.pth has learned matrices (decode_head.interp.kernel_h, decode_head.interp.kernel_w)' in str(error.value)
    with pytest.raises(InputError, match='check_checkpoint.partial=True'):
        check_weights(model, weights, path, partial=False)
    check_weights(model, weights, path, partial=True)
    assert len(warnings) == 1


def test_the_prefix_of_wrapped_models_is_dropped(model, tmp_path):
    wrapped = {f'module.{key}': value + 1 for key, value in model.state_dict().items()}
    expected = model[0].weight + 1
    load_weights(model, save(wrapped, tmp_path / 'wrapped.pth'))
    assert torch.equal(model[0].weight, expected)


def test_weights_without_a_training_around_them_are_read(model, tmp_path):
    torch.save(model.state_dict(), tmp_path / 'plain.pth')
    assert read_weights(str(tmp_path / 'plain.pth')).keys() == model.state_dict().keys()


class Segmentor(nn.Module):
    """Keys of a segmentor with parts that only training uses."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
        self.decode_head = nn.Module()
        self.decode_head.label_branch = nn.Linear(2, 2)
        self.decode_head.interp = GlobalInterp((2, 2), (8, 8), init='caffe', channels=3)
        self.auxiliary_head = nn.ModuleList([nn.Linear(2, 2)])


@pytest.mark.parametrize('part', ['auxiliary_head.', 'decode_head.label_branch.'])
def test_parts_that_only_training_uses_may_be_missing_unless_training_resumes(part):
    model = Segmentor()
    weights = {key: value for key, value in model.state_dict().items() if not key.startswith(part)}
    check_weights(model, weights, 'x.pth')
    with pytest.raises(InputError, match='cannot resume from it.*load_from') as caught:
        check_weights(model, weights, 'x.pth', resuming=True)
    assert f'it lacks {part}' in str(caught.value)


@pytest.mark.parametrize('key', ['backbone.0.weight', 'decode_head.interp.kernel_h'])
def test_parts_that_predictions_use_may_not_be_missing(key):
    model = Segmentor()
    weights = {name: value for name, value in model.state_dict().items() if name != key}
    with pytest.raises(InputError, match=f'it lacks {key}'):
        check_weights(model, weights, 'x.pth')


def test_counters_that_old_checkpoints_lack_may_be_missing():
    model = Segmentor()
    check_weights(model, {key: value for key, value in model.state_dict().items() if 'num_batches' not in key}, 'x.pth')


def test_matrices_of_other_sizes_are_for_the_layer_to_move_unless_training_resumes():
    model = Segmentor()
    weights = dict(model.state_dict(), **{'decode_head.interp.kernel_h': torch.zeros(16, 4)})
    check_weights(model, weights, 'x.pth')
    with pytest.raises(InputError, match=r'kernel_h is \(16, 4\) instead of \(8, 2\)'):
        check_weights(model, weights, 'x.pth', resuming=True)


def test_weights_that_fit_in_part_are_a_warning_where_that_is_asked_for(model, warnings):
    weights = dict(model.state_dict(), **{'1.bias': torch.zeros(9)})
    check_weights(model, weights, 'x.pth', partial=True)
    (message,) = warnings
    assert '1.bias is (9,) instead of (4,)' in message
    with pytest.raises(InputError):
        check_weights(model, weights, 'x.pth', resuming=True, partial=True)


@pytest.mark.parametrize(('init', 'accepted'), [('bilinear', True), ('caffe', False)])
def test_matrices_may_be_missing_if_they_start_as_bilinear(tmp_path, init, accepted):
    model = nn.Sequential(nn.Linear(2, 3), GlobalInterp((2, 2), (8, 8), init=init, channels=3))
    stock = save(
        {key: value + 1 for key, value in model.state_dict().items() if 'kernel' not in key}, tmp_path / 'stock.pth'
    )
    if accepted:
        expected = model[0].weight + 1
        load_weights(model, stock)
        assert torch.equal(model[0].weight, expected)
    else:
        with pytest.raises(InputError, match='it lacks 1.kernel_h; it lacks 1.kernel_w'):
            load_weights(model, stock)


@pytest.mark.parametrize('read', [read_weights, require_checkpoint])
def test_files_that_are_no_checkpoints(tmp_path, read):
    with pytest.raises(InputError, match='There is no checkpoint'):
        read(str(tmp_path / 'nothing.pth'))
    text = tmp_path / 'text.pth'
    text.write_text('weights')
    with pytest.raises(InputError, match='cannot be read as a checkpoint'):
        read(str(text))


def test_files_without_weights(tmp_path):
    with pytest.raises(InputError, match='has no state dict'):
        read_weights(save({}, tmp_path / 'empty.pth'))


def test_a_folder_with_one_file_for_each_process_is_a_checkpoint(model, tmp_path):
    (tmp_path / 'iter_2.pth').mkdir()
    with pytest.raises(InputError, match=r'There is no checkpoint .*rank0\.pth'):
        require_checkpoint(str(tmp_path / 'iter_2.pth'))
    save(model.state_dict(), tmp_path / 'iter_2.pth/rank0.pth')
    require_checkpoint(str(tmp_path / 'iter_2.pth'))


@pytest.mark.parametrize(
    ('content', 'sentence'),
    [
        (b'', r'is empty; copy or download it anew'),
        (
            b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n',
            r'is a pointer of Git LFS, not the file',
        ),
        (b'<!DOCTYPE html><html></html>', r'is a web page, not a checkpoint'),
        (bytes(100), r'cannot be read as a checkpoint'),
    ],
)
@pytest.mark.parametrize('read', [require_checkpoint, read_weights])
def test_what_lies_in_the_place_of_a_checkpoint_is_told(tmp_path, content, sentence, read):
    path = tmp_path / 'model.pth'
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf'model\.pth {sentence}'):
        read(str(path))


@pytest.mark.parametrize('read', [require_checkpoint, read_weights])
@pytest.mark.parametrize('seed', range(4))
def test_64_flipped_bytes_are_found(tmp_path, read, seed):
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict={'weight': torch.randn(5000)}), path)
    content = bytearray(path.read_bytes())
    places = torch.randperm(19000, generator=torch.Generator().manual_seed(seed))[:64] + 1000
    for place in places.tolist():
        content[place] ^= 255
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'model\.pth (is damaged: its checksums do not fit|cannot be read as a chec)'):
        read(str(path))


def test_a_file_without_checksums_is_a_warning(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr('mmseg_gdn.engine.checkpoint.print_log', lambda message, *args: told.append(message))
    path = tmp_path / 'model.pth'
    torch.save(dict(state_dict={'weight': torch.randn(5)}), path, _use_new_zipfile_serialization=False)
    assert 'weight' in read_weights(str(path))
    assert any('has no checksums' in message for message in told)


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
@pytest.mark.parametrize('settings', [{}, dict(resuming=True), dict(partial=True)])
def test_weights_that_are_not_finite_are_refused(value, settings):
    model = nn.Linear(2, 2)
    weights = dict(model.state_dict(), bias=torch.tensor([0, value]))
    with pytest.raises(InputError, match=r'x\.pth has weights that are NaN or infinite \(1 of 2 keys: bias\); the tr'):
        check_weights(model, weights, 'x.pth', **settings)


@pytest.mark.parametrize(
    'bias',
    [
        torch.tensor([0, 1e300], dtype=torch.float64),
        torch.tensor([0, complex(0, float('nan'))]),
        torch.tensor([0, float('inf')], dtype=torch.bfloat16),
    ],
)
def test_weights_of_other_types_that_are_not_finite_are_refused(bias):
    model = nn.Linear(2, 2)
    with pytest.raises(InputError, match='NaN or infinite'):
        check_weights(model, dict(model.state_dict(), bias=bias), 'x.pth')


@pytest.mark.parametrize(
    ('make', 'words'),
    [
        (lambda: torch.zeros(2).to_sparse(), 'float32, sparse_coo'),
        (lambda: torch.empty(2, dtype=torch.bits8), 'bits8, strided'),
        (lambda: torch.empty(2, device='meta'), 'float32, without values'),
    ],
)
def test_tensors_that_no_model_takes(make, words, tmp_path):
    model = nn.Linear(2, 2)
    path = save(dict(model.state_dict(), bias=make()), tmp_path / 'x.pth')
    with pytest.raises(InputError, match=rf'x\.pth has tensors that no model .*\(1 of 2 keys: bias is {words}\)'):
        load_weights(model, path)


@pytest.mark.parametrize('name', ['float8_e4m3fn', 'float8_e5m2', 'float16', 'bfloat16', 'float64', 'int8'])
def test_tensors_of_other_types(name, tmp_path):
    if not hasattr(torch, name):
        pytest.skip(f'this version of PyTorch has no {name}')
    model = nn.Linear(2, 2)
    bias = torch.ones(2).to(getattr(torch, name))
    load_weights(model, save(dict(model.state_dict(), bias=bias), tmp_path / 'x.pth'))
    assert model.bias.tolist() == [1, 1]


@pytest.mark.parametrize('weights', [[torch.ones(1)], {3: torch.ones(1)}, {'a': 3}, 5])
def test_what_is_no_state_dict(weights):
    with pytest.raises(InputError, match=r'x\.pth has no state dict'):
        bring_to_standard_form(dict(state_dict=weights), 'x.pth')


def test_values_that_a_model_has_by_design_are_no_defect():
    model = nn.Linear(2, 2)
    model.register_buffer('mask', torch.tensor([0, -float('inf')]))
    check_weights(model, model.state_dict(), 'x.pth')


def test_a_checkpoint_of_which_nothing_fits_is_no_start():
    with pytest.raises(InputError, match=r'does not fit'):
        check_weights(nn.Linear(2, 2), {'other': torch.zeros(1)}, 'x.pth', partial=True)
