"""custom_keys with a constructor that ignores them."""

from __future__ import annotations

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

LAYER_DECAY = dict(decay_rate=0.9, decay_type='stage_wise', num_layers=6)


class ConvNeXt(nn.Module):
    """Parameters with the names by which mmseg tells ConvNeXt's stages."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([nn.Linear(2, 2) for _ in range(4)])


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = ConvNeXt()
        self.interp = nn.ParameterDict(dict(kernel_h=torch.ones(4, 2), kernel_w=torch.ones(4, 2)))


def build(model, custom_keys, **paramwise):
    return build_optim_wrapper(
        model,
        dict(
            optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
            constructor='CustomKeysConstructor',
            paramwise_cfg=dict(
                base_constructor='LearningRateDecayOptimizerConstructor', custom_keys=custom_keys, **paramwise
            ),
        ),
    )


def groups_by_parameter(model, wrapper):
    names = {id(value): name for name, value in model.named_parameters()}
    groups = [(names[id(value)], group) for group in wrapper.optimizer.param_groups for value in group['params']]
    assert len(groups) == len(names)
    return dict(groups)


def test_the_base_constructor_ignores_custom_keys():
    model = Model()
    wrapper = build_optim_wrapper(
        model,
        dict(
            optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05),
            constructor='LearningRateDecayOptimizerConstructor',
            paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=20, decay_mult=0)}, **LAYER_DECAY),
        ),
    )
    assert groups_by_parameter(model, wrapper)['interp.kernel_h']['lr'] <= 1e-3


def test_named_parameters_move_and_the_others_keep_the_rates_of_the_base():
    model = Model()
    wrapper = build(model, {'interp.kernel': dict(lr_mult=20, decay_mult=0)}, **LAYER_DECAY)
    groups = groups_by_parameter(model, wrapper)
    for name in ('interp.kernel_h', 'interp.kernel_w'):
        assert (groups[name]['lr'], groups[name]['weight_decay']) == (0.02, 0)
    rates = [groups[f'backbone.stages.{stage}.weight']['lr'] for stage in range(4)]
    assert rates == sorted(rates) and rates[0] < rates[-1] <= 1e-3
    assert groups['backbone.stages.0.weight']['weight_decay'] == 0.05


def test_the_longest_key_wins_and_other_options_are_kept():
    model = Model()
    keys = {'interp.kernel_h': dict(lr_mult=3, betas=(0.5, 0.9)), 'interp': dict(lr_mult=20, weight_decay=0.0)}
    groups = groups_by_parameter(model, build(model, keys, **LAYER_DECAY))
    assert (groups['interp.kernel_h']['lr'], groups['interp.kernel_h']['weight_decay']) == (0.003, 0.05)
    assert groups['interp.kernel_h']['betas'] == (0.5, 0.9)
    assert (groups['interp.kernel_w']['lr'], groups['interp.kernel_w']['weight_decay']) == (0.02, 0)


def test_a_step_moves_all():
    model = Model()
    wrapper = build(model, {'interp.kernel': dict(lr_mult=20, decay_mult=0)}, **LAYER_DECAY)
    wrapper.update_params(sum(value.square().sum() for value in model.parameters()))
    torch.testing.assert_close(model.interp['kernel_h'], torch.full((4, 2), 0.98))


def test_frozen_parameters_stay_out():
    model = Model()
    model.interp['kernel_h'].requires_grad_(False)
    wrapper = build(model, {'interp.kernel': dict(lr_mult=20)}, **LAYER_DECAY)
    assert [len(group['params']) for group in wrapper.optimizer.param_groups if group['lr'] == 0.02] == [1]


@pytest.mark.parametrize(
    ('paramwise', 'message'),
    [
        (dict(custom_keys={}), 'needs paramwise_cfg=dict'),
        (dict(base_constructor='DefaultOptimWrapperConstructor'), 'needs paramwise_cfg=dict'),
        (
            dict(base_constructor='DefaultOptimWrapperConstructor', custom_keys={'interb': {}}),
            "'interb', but the model",
        ),
    ],
)
def test_wrong_settings(paramwise, message):
    with pytest.raises(ValueError, match=message):
        build_optim_wrapper(
            Model(),
            dict(optimizer=dict(type='SGD', lr=1.0), constructor='CustomKeysConstructor', paramwise_cfg=paramwise),
        )
