"""Starting from converted Caffe weights."""

import logging

import pytest
import torch
from mmengine.runner import Runner

from mmseg_gdn.engine.hooks import CaffeWeightsHook


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


def train(tmp_path, checkpoint, max_iters=1, **settings):
    runner = Runner(
        Model(), str(tmp_path / 'run'), train_dataloader=torch.utils.data.DataLoader([1.0]),
        train_cfg=dict(by_epoch=False, max_iters=max_iters), optim_wrapper=dict(optimizer=dict(type='SGD', lr=0)),
        custom_hooks=[CaffeWeightsHook(str(checkpoint), 'fcn32s')], experiment_name=str(tmp_path).replace('/', '_'),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=False)), **settings)
    runner.train()
    return runner.model.conv.weight.item()


def test_weights_are_loaded_before_training(tmp_path, weights):
    assert train(tmp_path, weights) == 7


def test_missing_weights_are_told_with_the_remedy(tmp_path, caplog):
    with caplog.at_level(logging.WARNING), pytest.MonkeyPatch.context() as patch:
        messages = []
        patch.setattr('mmseg_gdn.engine.hooks.caffe_weights_hook.print_log',
                      lambda message, logger, level=logging.INFO: messages.append((message, level)))
        train(tmp_path, tmp_path / 'no.pth')
    (message, level), = messages
    assert level == logging.WARNING
    assert 'VGG_ILSVRC_16_layers.caffemodel' in message
    assert f'{tmp_path / "no.pth"} --layout fcn32s' in message


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
