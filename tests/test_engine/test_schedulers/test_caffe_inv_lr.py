"""Caffe's learning-rate policy "inv"."""

import pytest
import torch
from mmengine.optim import MultiStepLR, OptimWrapper
from mmseg.registry import PARAM_SCHEDULERS
from torch import nn

from mmseg_gdn.engine import CaffeInvLR, CaffeSGD


def wrapper():
    groups = [dict(params=nn.Parameter(torch.ones(1))), dict(params=nn.Parameter(torch.ones(1)), lr=0.2)]
    return OptimWrapper(CaffeSGD(groups, lr=0.01))


def rates(scheduler, steps):
    result = []
    for _ in range(steps):
        result.append([group['lr'] for group in scheduler.optimizer.param_groups[:2]])
        scheduler.optimizer.step()
        scheduler.step()
    return result


def test_formula_in_every_group():
    scheduler = PARAM_SCHEDULERS.build(dict(type='CaffeInvLR', optimizer=wrapper(), gamma=1e-1, power=0.75))
    expected = [[base * (1 + 0.1 * t) ** -0.75 for base in (0.01, 0.2)] for t in range(30)]
    assert rates(scheduler, 30) == [pytest.approx(pair, rel=1e-12) for pair in expected]


def test_between_begin_and_end():
    scheduler = CaffeInvLR(wrapper(), gamma=1, power=1, begin=2, end=5)
    divisors = [1, 1, 1, 2, 3, 3, 3]
    assert [pair[0] for pair in rates(scheduler, 7)] == pytest.approx([0.01 / divisor for divisor in divisors])


def test_joins_in_with_a_drop():
    inv = CaffeInvLR(wrapper(), gamma=1, power=1)
    drop = MultiStepLR(inv.optimizer, milestones=[2], gamma=0.1)
    actual = []
    for _ in range(4):
        actual += rates(inv, 1)
        drop.step()
    assert [pair[0] for pair in actual] == pytest.approx([0.01, 0.01 / 2, 0.001 / 3, 0.001 / 4])


def test_resumes_from_its_state(tmp_path):
    whole = rates(CaffeInvLR(wrapper(), gamma=0.3, power=0.5), 20)
    first = CaffeInvLR(wrapper(), gamma=0.3, power=0.5)
    assert rates(first, 8) == whole[:8]
    torch.save(dict(scheduler=first.state_dict(), optimizer=first.optimizer.state_dict()), tmp_path / 'state.pth')

    second = CaffeInvLR(wrapper(), gamma=9, power=9)
    state = torch.load(tmp_path / 'state.pth')
    second.optimizer.load_state_dict(state['optimizer'])
    second.load_state_dict(state['scheduler'])
    assert rates(second, 12) == whole[8:]
