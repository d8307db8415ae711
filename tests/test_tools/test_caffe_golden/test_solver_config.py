"""Caffe's learning-rate policies and solver settings as mmengine configs."""

import math
import re

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmseg.registry import PARAM_SCHEDULERS
from torch import nn

from caffe_golden.solver_config import optim_wrapper_config, param_scheduler_config
from mmseg_gdn.utils import InputError

BASE = 0.01
# Settings, and Caffe's rate at iteration i (SGDSolver::GetLearningRate).
POLICIES = {
    'fixed': (dict(), lambda i: BASE),
    'step': (dict(gamma=0.1, stepsize=7), lambda i: BASE * 0.1 ** math.floor(i / 7)),
    'multistep': (dict(gamma=0.5, stepvalue=[3, 4, 15]), lambda i: BASE * 0.5 ** sum(i >= v for v in (3, 4, 15))),
    'poly': (dict(power=0.9, max_iter=40), lambda i: BASE * (1 - i / 40) ** 0.9),
    'exp': (dict(gamma=0.97), lambda i: BASE * 0.97**i),
    'inv': (dict(gamma=0.1, power=0.75), lambda i: BASE * (1 + 0.1 * i) ** -0.75),
}


def rates(solver, iterations):
    """Rate of every update, stepped as mmengine's ParamSchedulerHook does: after every batch."""
    param = nn.Parameter(torch.ones(1))
    wrapper = build_optim_wrapper(nn.ParameterList([param]), optim_wrapper_config(solver, {'0': (10, 1)}))
    schedulers = [
        PARAM_SCHEDULERS.build(dict(optimizer=wrapper, **config)) for config in param_scheduler_config(solver)
    ]
    result = []
    for batch in range(iterations * solver['iter_size']):
        wrapper.update_params(param.sum())
        if (batch + 1) % solver['iter_size'] == 0:
            result.append(wrapper.optimizer.param_groups[0]['lr'])
        for scheduler in schedulers:
            scheduler.step()
    return result


@pytest.mark.parametrize('iter_size', [1, 2, 5])
@pytest.mark.parametrize('policy', POLICIES)
def test_rate_of_every_update(policy, iter_size):
    settings, formula = POLICIES[policy]
    solver = dict(base_lr=BASE, lr_policy=policy, iter_size=iter_size, **settings)
    assert rates(solver, 40) == pytest.approx([10 * formula(i) for i in range(40)], rel=1e-11)


def test_policy_without_a_counterpart():
    with pytest.raises(InputError, match="'sigmoid', but only fixed, step"):
        param_scheduler_config(dict(lr_policy='sigmoid'))


def test_optimizer_settings():
    solver = dict(base_lr=BASE, momentum=0.99, weight_decay=5e-4, iter_size=3)
    net = nn.Linear(2, 2)
    wrapper = build_optim_wrapper(net, optim_wrapper_config(solver, {'weight': (1, 1), 'bias': (2, 0)}))
    weight, bias = wrapper.optimizer.param_groups
    assert (weight['lr'], weight['momentum'], weight['weight_decay']) == (BASE, 0.99, 5e-4)
    assert (bias['lr'], bias['momentum'], bias['weight_decay']) == (2 * BASE, 0.99, 0)
    assert wrapper._accumulative_counts == 3


def test_example_of_the_documentation(root_dir):
    """The Python block of docs/caffe_solver.md gives Caffe's rates for its prototxt block."""
    text = (root_dir / 'docs' / 'caffe_solver.md').read_text()
    cfg = Config.fromstring(re.search(r'```python\n(.*?)```', text, re.DOTALL)[1], '.py')
    solver = dict(base_lr=2.5e-4, lr_policy='poly', power=0.9, max_iter=20000, iter_size=2)
    assert cfg.param_scheduler == param_scheduler_config(solver)
    assert cfg.train_cfg.max_iters == solver['max_iter'] * solver['iter_size']
    with DefaultScope.overwrite_default_scope('mmseg'):
        wrapper = build_optim_wrapper(nn.ModuleDict(dict(conv_seg=nn.Linear(2, 2))), cfg.optim_wrapper)
    weight, bias = wrapper.optimizer.param_groups
    assert (weight['lr'], bias['lr'], bias['weight_decay']) == pytest.approx((2.5e-3, 5e-3, 0))
    assert wrapper._accumulative_counts == solver['iter_size']
