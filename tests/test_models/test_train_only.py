"""Parts of a model are trained while the others stay exactly as they are."""

import pytest
import torch
from torch import nn

from mmseg_gdn.models.train_only import freeze_others, keep_frozen_parts_in_eval_mode
from mmseg_gdn.utils import InputError


@pytest.fixture
def model():
    return nn.ModuleDict(
        {
            'backbone': nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)),
            'head': nn.ModuleDict({'conv': nn.Conv2d(4, 2, 1), 'dropout': nn.Dropout(0.5), 'interp': nn.Linear(2, 2)}),
        }
    )


def test_only_the_named_parts_are_trained(model):
    freeze_others(model, ['head.interp'])
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert trained == ['head.interp.weight', 'head.interp.bias']


def test_several_parts(model):
    freeze_others(model, ['head.interp', 'backbone.0'])
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert trained == ['backbone.0.weight', 'backbone.0.bias', 'head.interp.weight', 'head.interp.bias']


def test_what_was_frozen_before_stays_frozen(model):
    model['head']['interp'].bias.requires_grad_(False)
    freeze_others(model, ['head.interp'])
    assert not model['head']['interp'].bias.requires_grad


def test_frozen_parts_give_the_same_each_time(model):
    freeze_others(model, ['head.interp'])
    model.train()
    keep_frozen_parts_in_eval_mode(model, ['head.interp'])
    images = torch.randn(2, 3, 8, 8)
    statistics = model['backbone'][1].running_mean.clone()
    assert torch.equal(model['backbone'](images), model['backbone'](images))
    assert torch.equal(model['backbone'][1].running_mean, statistics)
    assert not model['head']['dropout'].training
    assert model['head']['interp'].training and model['head'].training


def test_a_part_that_does_not_exist(model):
    with pytest.raises(InputError, match=r"'head.interb', but no parameter .* backbone.0, backbone.1, head.conv"):
        freeze_others(model, ['head.interb'])


def test_dropout_of_a_trained_part_stays_on(model):
    freeze_others(model, ['head'])
    model.train()
    keep_frozen_parts_in_eval_mode(model, ['head'])
    assert model['head']['dropout'].training
    assert not model['backbone'][2].training


def test_beginnings_of_names_mean_the_same_for_dropout(model):
    freeze_others(model, ['head.'])
    model.train()
    keep_frozen_parts_in_eval_mode(model, ['head.'])
    assert model['head']['dropout'].training


@pytest.mark.parametrize('train_only', ['head', '', [], [1]])
def test_what_is_no_list_of_names(model, train_only):
    with pytest.raises(InputError, match='train_only is a list'):
        freeze_others(model, train_only)
