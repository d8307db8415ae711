"""Caffe's SGD: its rule, its settings through mmengine, accumulation and resuming."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from torch import nn

from mmseg_gdn.engine import CaffeSGD
from mmseg_gdn.models import GlobalInterp

SOLVER = dict(type='mmseg.CaffeSGD', lr=0.1, momentum=0.9, weight_decay=0.01)


def descend(optimizer, param, gradients, rates):
    for gradient, rate in zip(gradients, rates):
        optimizer.param_groups[0]['lr'] = rate
        param.grad = torch.as_tensor(gradient).clone()
        optimizer.step()
    return param.detach().clone()


class TestRule:
    @settings(deadline=None, max_examples=50)
    @given(
        st.lists(st.floats(0, 0.5), min_size=1, max_size=8),
        st.floats(0, 0.99),
        st.floats(0, 0.1),
        st.integers(0, 2**31),
    )
    def test_rate_is_inside_the_momentum(self, rates, momentum, weight_decay, seed):
        rng = np.random.default_rng(seed)
        start, gradients = rng.normal(size=5), rng.normal(size=(len(rates), 5))
        param = nn.Parameter(torch.tensor(start))
        optimizer = CaffeSGD([param], lr=1, momentum=momentum, weight_decay=weight_decay)
        actual = descend(optimizer, param, gradients, rates)

        weights, velocity = start.copy(), np.zeros(5)
        for gradient, rate in zip(gradients, rates):
            velocity = momentum * velocity + rate * (gradient + weight_decay * weights)
            weights = weights - velocity
        np.testing.assert_allclose(actual, weights, rtol=1e-9, atol=1e-12)

    def test_equals_torch_only_while_the_rate_is_constant(self):
        gradients, start = torch.randn(6, 5), torch.randn(5)
        ours, torchs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
        arguments = dict(lr=0.1, momentum=0.9, weight_decay=0.01)
        optimizers = CaffeSGD([ours], **arguments), torch.optim.SGD([torchs], **arguments)
        constant = [0.1] * 6
        torch.testing.assert_close(
            descend(optimizers[0], ours, gradients, constant), descend(optimizers[1], torchs, gradients, constant)
        )
        before = ours.detach().clone()
        # Without a rate, Caffe's weights roll on with the momentum; PyTorch's stand still.
        torch.testing.assert_close(descend(optimizers[1], torchs, gradients, [0.0]), before)
        assert not torch.allclose(descend(optimizers[0], ours, gradients, [0.0]), before)

    def test_leaves_alone_what_has_no_gradient(self):
        used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
        optimizer = CaffeSGD([used, unused], lr=0.1, weight_decay=0.5)
        used.grad = torch.ones(2)
        optimizer.step()
        assert torch.equal(unused, torch.ones(2)) and unused not in optimizer.state
        assert torch.allclose(used, torch.full((2,), 0.85))

    def test_closure(self):
        param = nn.Parameter(torch.tensor(2.0))
        optimizer = CaffeSGD([param], lr=0.25)

        def closure():
            loss = param**2
            loss.backward()
            return loss

        assert optimizer.step(closure) == 4
        assert param == 1

    @pytest.mark.parametrize('name', ['lr', 'momentum', 'weight_decay'])
    def test_negative_numbers(self, name):
        with pytest.raises(ValueError, match=f'takes {name} >= 0, but got -1'):
            CaffeSGD([nn.Parameter(torch.ones(1))], **(dict(lr=0.1) | {name: -1}))


class Net(BaseModel):
    """Convolution, score layer and GDN, named as in this project's heads."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.conv_seg = nn.Conv2d(2, 2, 1)
        self.interp = GlobalInterp((4, 4), (8, 8))

    def forward(self, inputs, mode='loss'):
        images = torch.stack(inputs) if isinstance(inputs, list) else inputs
        loss = self.interp(self.conv_seg(self.conv(images).relu())).square().mean()
        return dict(loss=loss) if mode == 'loss' else loss


class TestMultipliers:
    """What Caffe's lr_mult and decay_mult become in mmengine's own ``paramwise_cfg``."""

    def multipliers(self, **paramwise_cfg):
        net = Net()
        wrapper = build_optim_wrapper(net, dict(type='OptimWrapper', optimizer=SOLVER, paramwise_cfg=paramwise_cfg))
        assert isinstance(wrapper.optimizer, CaffeSGD)
        names = {param: name for name, param in net.named_parameters()}
        return {
            names[group['params'][0]]: pytest.approx((group['lr'] / 0.1, group['weight_decay'] / 0.01))
            for group in wrapper.optimizer.param_groups
        }

    def test_all_that_caffe_needs_can_be_said(self):
        actual = self.multipliers(
            bias_lr_mult=2,
            bias_decay_mult=0,
            custom_keys={
                'conv_seg.weight': dict(lr_mult=10, decay_mult=1),
                'conv_seg.bias': dict(lr_mult=20, decay_mult=0),
                'interp.kernel': dict(lr_mult=10, decay_mult=100),
            },
        )
        assert actual == {
            'conv.weight': (1, 1),
            'conv.bias': (2, 0),
            'conv_seg.weight': (10, 1),
            'conv_seg.bias': (20, 0),
            'interp.kernel_h': (10, 100),
            'interp.kernel_w': (10, 100),
        }

    def test_a_custom_key_for_a_layer_switches_the_rule_for_biases_off(self):
        actual = self.multipliers(bias_lr_mult=2, bias_decay_mult=0, custom_keys={'conv_seg': dict(lr_mult=10)})
        assert actual['conv_seg.bias'] == (10, 1)

    def test_frozen_with_a_rate_of_zero(self):
        net = Net()
        wrapper = build_optim_wrapper(
            net, dict(type='OptimWrapper', optimizer=SOLVER, paramwise_cfg=dict(custom_keys={'conv': dict(lr_mult=0)}))
        )
        before = {name: param.detach().clone() for name, param in net.named_parameters()}
        for _ in range(3):
            wrapper.update_params(net(torch.randn(2, 1, 4, 4), mode='tensor'))
        unchanged = {name for name, param in net.named_parameters() if torch.equal(param, before[name])}
        assert unchanged == {'conv.weight', 'conv.bias', 'conv_seg.weight', 'conv_seg.bias'}


def test_accumulation_divides_by_iter_size():
    nets = Net(), Net()
    nets[1].load_state_dict(nets[0].state_dict())
    batches = torch.randn(6, 2, 1, 4, 4)
    accumulating = build_optim_wrapper(nets[0], dict(type='OptimWrapper', optimizer=SOLVER, accumulative_counts=3))
    for batch in batches:
        accumulating.update_params(nets[0](batch, mode='tensor'))
    at_once = build_optim_wrapper(nets[1], dict(type='OptimWrapper', optimizer=SOLVER))
    for group in batches.split(3):
        at_once.update_params(sum(nets[1](batch, mode='tensor') for batch in group) / 3)
    for actual, expected in zip(nets[0].parameters(), nets[1].parameters()):
        torch.testing.assert_close(actual, expected)


class TestResume:
    """A run that mmengine's Runner resumes part of the way ends with the weights of an uninterrupted one."""

    def run(self, work_dir, checkpoint=None):
        torch.manual_seed(1)
        runner = Runner(
            model=Net(),
            work_dir=str(work_dir),
            train_dataloader=dict(
                dataset=[dict(inputs=image) for image in torch.randn(32, 1, 4, 4)],
                sampler=dict(type='InfiniteSampler', shuffle=False),
                batch_size=2,
                num_workers=0,
            ),
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=12),
            optim_wrapper=dict(
                type='OptimWrapper',
                optimizer=SOLVER,
                accumulative_counts=2,
                paramwise_cfg=dict(custom_keys={'interp.kernel': dict(lr_mult=10, decay_mult=100)}),
            ),
            param_scheduler=[
                dict(type='CaffeInvLR', gamma=0.5, power=0.75, begin=1, by_epoch=False),
                dict(type='MultiStepLR', milestones=[6], gamma=0.1, by_epoch=False),
            ],
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=4)),
            default_scope='mmseg',
            load_from=checkpoint,
            resume=checkpoint is not None,
            experiment_name=work_dir.name,
            log_level='WARNING',
        )
        runner.train()
        return runner

    def test_equals_an_uninterrupted_run(self, tmp_path):
        whole = self.run(tmp_path / 'whole')
        resumed = self.run(tmp_path / 'resumed', str(tmp_path / 'whole' / 'iter_4.pth'))
        assert resumed.optim_wrapper.get_lr() == whole.optim_wrapper.get_lr()
        states = (runner.optim_wrapper.state_dict()['state'] for runner in (resumed, whole))
        for actual, expected in zip(*(state.values() for state in states)):
            assert torch.equal(actual['history'], expected['history'])
        for actual, expected in zip(resumed.model.parameters(), whole.model.parameters()):
            assert torch.equal(actual, expected)
