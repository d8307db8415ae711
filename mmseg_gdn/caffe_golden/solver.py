"""Golden solver trajectories: a small net trained step by step through mmengine's optimizer wrapper."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Iterator, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.optim import build_optim_wrapper
from mmseg.registry import PARAM_SCHEDULERS
from torch import Tensor, nn

from mmseg_gdn.models import CaffeSoftmaxLoss, GlobalInterp

Arrays = Mapping[str, np.ndarray]

# The layer of the authors' release zeroes its gradients before it adds to them, whatever iter_size is.
_AUTHORS_LAYER = 'GlobalDeconvolutionLayer'


class Trajectory(NamedTuple):
    """What a run of the solver leaves behind, over T iterations of s batches each.

    Attributes:
        losses: Loss of every batch before the update, shape (T, s).
        rates: Learning rate of every update, shape (T,).
        weights: Weights at the start and after every update, shape (T + 1, ...), by Caffe's names.
    """

    losses: np.ndarray
    rates: np.ndarray
    weights: dict[str, np.ndarray]


def train(arrays: Arrays, name: str, dtype: torch.dtype = torch.float64) -> Trajectory:
    settings = json.loads(str(arrays['meta']))['sets'][name]
    solver = settings['solver']
    iter_size = solver.get('iter_size', 1)
    net = ThinNet(arrays, settings['loss_param']).to(dtype)
    optim_wrapper = build_optim_wrapper(net, optim_wrapper_config(settings))
    schedulers = [PARAM_SCHEDULERS.build(dict(optimizer=optim_wrapper, **config))
                  for config in param_scheduler_config(solver)]
    images = torch.from_numpy(arrays['data']).to(dtype) / 4
    labels = torch.from_numpy(arrays['label'][:, :, 0] if False else arrays['label']).long().squeeze(2)
    iterations = len(arrays[f'{name}/traj/gdn/0']) - 1
    losses, rates, weights = [], [], [net.caffe_weights()]
    for batch in range(iterations * iter_size):
        if settings['gdn_layer'] == _AUTHORS_LAYER:
            net.interp.zero_grad()
        loss = net(images[batch], labels[batch])
        losses.append(loss.item())
        rates.append(optim_wrapper.get_lr()['base_lr'][0])
        optim_wrapper.update_params(loss)
        if (batch + 1) % iter_size == 0:
            weights.append(net.caffe_weights())
        for scheduler in schedulers:
            scheduler.step()
    return Trajectory(np.reshape(losses, (iterations, iter_size)), np.array(rates[iter_size - 1::iter_size]), 
      {key: np.stack([step[key] for step in weights]) for key in weights[0]})


def optim_wrapper_config(settings: Mapping[str, Any]) -> dict:
    solver = settings['solver']
    (weight_lr, bias_lr), (weight_decay, bias_decay) = settings['lr_mult'], settings['decay_mult']
    return dict(
        type='OptimWrapper',
        optimizer=dict(
            type='mmseg.CaffeSGD',
            lr=solver['base_lr'],
            momentum=solver.get('momentum', 0),
            weight_decay=solver.get('weight_decay', 0)),
        accumulative_counts=solver.get('iter_size', 1),
        paramwise_cfg=dict(
            custom_keys={
                'weight': dict(lr_mult=weight_lr, decay_mult=weight_decay),
                'bias': dict(lr_mult=bias_lr, decay_mult=bias_decay),
                'interp.kernel': dict(lr_mult=settings['gdn_lr_mult'], decay_mult=settings['gdn_decay_mult']),
            }))


def param_scheduler_config(solver: Mapping[str, Any]) -> list[dict]:
    s = solver.get('iter_size', 1)
    policy = solver['lr_policy']
    gamma, power = solver.get('gamma'), solver.get('power')
    common = dict(by_epoch=False, begin=s - 1)
    return {
        'fixed': lambda: [],
        'step': lambda: [dict(type='StepLR', step_size=s * solver['stepsize'], gamma=gamma, **common)],
        'multistep': lambda: [dict(type='MultiStepLR', milestones=[s * step for step in solver['stepvalue']], gamma=gamma, **common)],
        'poly': lambda: [dict(type='PolyLR', power=power, eta_min=0, end=s * (solver['max_iter'] + 1), **common)],
        'exp': lambda: [dict(type='ExponentialLR', gamma=gamma**(1 / s), **common)],
        'inv': lambda: [dict(type='CaffeInvLR', gamma=gamma / s, power=power, **common)],
    }[policy]()


class ThinNet(nn.Module):
    def __init__(self, arrays, loss_param):
        super().__init__()
        start = {key: torch.from_numpy(arrays[f'init/{key}']) for key in ('conv1/0','conv1/1','conv2/0','conv2/1','gdn/0','gdn/1')}
        self.conv1 = nn.Conv2d(*start['conv1/0'].shape[1::-1], 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(*start['conv2/0'].shape[1::-1], 1)
        (h, H), (w, W) = start['gdn/0'].shape, start['gdn/1'].shape
        self.interp = GlobalInterp((h, w), (H, W), size_policy='error')
        self.load_state_dict({'conv1.weight': start['conv1/0'], 'conv1.bias': start['conv1/1'], 'conv2.weight': start['conv2/0'], 'conv2.bias': start['conv2/1'], 'interp.kernel_h': start['gdn/0'].t(), 'interp.kernel_w': start['gdn/1'].t()})
        self.loss = CaffeSoftmaxLoss(normalize=False if 'normalize: false' in loss_param else None)
    def forward(self, x, label):
        x = F.max_pool2d(F.relu(self.conv1(x)), 3, 2, 1, ceil_mode=True)
        return self.loss(self.interp(self.conv2(x)), label)
    def caffe_weights(self):
        w = {'conv1/0': self.conv1.weight, 'conv1/1': self.conv1.bias, 'conv2/0': self.conv2.weight, 'conv2/1': self.conv2.bias, 'gdn/0': self.interp.kernel_h.t(), 'gdn/1': self.interp.kernel_w.t()}
        return {k: v.detach().clone().numpy() for k, v in w.items()}
