"""Starting from converted Caffe weights."""

import pytest
import torch
from mmengine.runner import Runner

from mmseg_gdn.engine.hooks import CaffeWeightsHook
from mmseg_gdn.utils import InputError


class Model(torch.nn.Module):
    """One weight, trained by nothing."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 1, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        return dict(loss=0 * self.conv.weight.sum())

    def train_step(self, data, optim_wrapper):
        return dict(loss=self.conv.weight.new_zeros(()))


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / 'caffe.pth'
    torch.save(dict(state_dict={'conv.weight': torch.full((1, 1, 1, 1), 7.0)}), path)
    return path


def train(tmp_path, checkpoint, max_iters=1, from_scratch=False, layout='fcn32s', model=None, **settings):
    model = model or Model()
    runner = Runner(
        model,
        str(tmp_path / 'run'),
        train_dataloader=torch.utils.data.DataLoader([1.0]),
        train_cfg=dict(by_epoch=False, max_iters=max_iters),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0)),
        custom_hooks=[CaffeWeightsHook(str(checkpoint), layout, from_scratch)],
        experiment_name=str(tmp_path).replace('/', '_'),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=False)),
        **settings,
    )
    runner.train()
    return runner.model.conv.weight.flatten()[0].item()


def test_weights_are_loaded_before_training(tmp_path, weights):
    assert train(tmp_path, weights) == 7


@pytest.mark.parametrize(('layout', 'weights'), [('fcn32s', 'vgg16'), ('largefov', 'vgg16-reduced')])
def test_training_stops_without_the_weights_and_says_how_to_get_them(tmp_path, layout, weights):
    with pytest.raises(InputError, match='there is no') as caught:
        train(tmp_path, tmp_path / 'no.pth', layout=layout)
    assert f'get_weights.py {weights} --out {tmp_path / "no.pth"}.' in str(caught.value)
    assert f'{tmp_path / "no.pth"} --layout {layout}' in str(caught.value)
    assert '--cfg-options custom_hooks.0.from_scratch=True' in str(caught.value)
    assert not list((tmp_path / 'run').glob('*.pth'))


def test_an_unknown_layout():
    with pytest.raises(InputError, match="must be 'fcn32s' or 'largefov', but got 'fcn8s'"):
        CaffeWeightsHook('caffe.pth', 'fcn8s')


@pytest.mark.parametrize('name', ['no.pth', 'caffe.pth'])
def test_training_starts_from_scratch_where_that_is_asked_for(tmp_path, weights, name):
    torch.manual_seed(0)
    expected = Model().conv.weight.item()
    torch.manual_seed(0)
    assert train(tmp_path, tmp_path / name, from_scratch=True) == expected


def read_log(tmp_path):
    return max((tmp_path / 'run').rglob('*.log')).read_text()


def test_parts_without_fitting_weights_are_named(tmp_path, weights):
    model = Model()
    model.decode_head = torch.nn.ModuleDict(dict(fc6=torch.nn.Conv2d(1, 2, 3), fc7=torch.nn.Conv2d(2, 2, 1)))
    stored = torch.load(weights, weights_only=True)
    stored['state_dict']['decode_head.fc6.weight'] = torch.ones(5, 1, 3, 3)
    stored['state_dict']['decode_head.fc7.bias'] = torch.ones(2)
    torch.save(stored, weights)
    assert train(tmp_path, weights, layout='largefov', model=model) == 7
    assert model.decode_head['fc7'].bias.tolist() == [1, 1]
    log = read_log(tmp_path)
    assert 'caffe.pth has no weights for conv.bias, decode_head.fc6, decode_head.fc7. These start' in log
    assert 'get_weights.py vgg16-reduced' in log


def test_weights_of_the_other_layout_are_refused(tmp_path, weights):
    model = Model()
    model.decode_head = torch.nn.ModuleDict(dict(fc6=torch.nn.Conv2d(1, 2, 3)))
    stored = torch.load(weights, weights_only=True)
    stored['state_dict']['decode_head.fc6.weight'] = torch.ones(2, 1, 7, 7)
    torch.save(stored, weights)
    with pytest.raises(InputError, match=r'caffe.pth has a 7x7 kernel, .* layout largefov is 3x3, .*vgg16-reduced'):
        train(tmp_path, weights, layout='largefov', model=model)


def test_load_from_wins(tmp_path, weights):
    other = tmp_path / 'other.pth'
    torch.save(dict(state_dict={'conv.weight': torch.full((1, 1, 1, 1), 3.0)}), other)
    assert train(tmp_path, weights, load_from=str(other)) == 3


def test_resumed_training_goes_on_from_its_own_weights(tmp_path, weights):
    train(tmp_path, weights)
    checkpoint = torch.load(tmp_path / 'run/iter_1.pth', weights_only=True)
    checkpoint['state_dict']['conv.weight'].fill_(5)
    torch.save(checkpoint, tmp_path / 'run/iter_1.pth')
    assert train(tmp_path, weights, max_iters=2, resume=True) == 5
