"""Caffe's solver settings as mmengine configs; ``docs/caffe_solver.md`` has the same as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmseg_gdn.utils import InputError


def optim_wrapper_config(solver: Mapping[str, Any], multipliers: Mapping[str, tuple[float, float]]) -> dict:
    """Config of the optimizer wrapper.

    Args:
        solver: Fields of ``SolverParameter``.
        multipliers: ``lr_mult`` and ``decay_mult`` by parts of parameter names.

    Returns:
        What ``mmengine.optim.build_optim_wrapper`` takes.
    """
    return dict(
        type='OptimWrapper',
        optimizer=dict(
            type='mmseg.CaffeSGD',
            lr=solver['base_lr'],
            momentum=solver.get('momentum', 0),
            weight_decay=solver.get('weight_decay', 0),
        ),
        accumulative_counts=solver.get('iter_size', 1),
        paramwise_cfg=dict(
            custom_keys={
                key: dict(lr_mult=lr_mult, decay_mult=decay_mult) for key, (lr_mult, decay_mult) in multipliers.items()
            }
        ),
    )


def param_scheduler_config(solver: Mapping[str, Any]) -> list[dict]:
    """Configs of the parameter schedulers that give Caffe's rate at every update.

    mmengine counts batches, and an iteration of Caffe has ``iter_size`` of them. Schedulers that begin at
    ``iter_size - 1`` have counted ``iter_size * i`` when iteration i ends with its update.

    Args:
        solver: Fields of ``SolverParameter``.

    Returns:
        Configs for the registry ``PARAM_SCHEDULERS``; none for a constant rate.

    Raises:
        InputError: If ``lr_policy`` has no counterpart here.
    """
    policy, size = solver['lr_policy'], solver.get('iter_size', 1)
    if policy == 'fixed':
        return []
    if policy == 'step':
        config = dict(type='StepLR', step_size=size * solver['stepsize'], gamma=solver['gamma'])
    elif policy == 'multistep':
        milestones = [size * value for value in solver['stepvalue']]
        config = dict(type='MultiStepLR', milestones=milestones, gamma=solver['gamma'])
    elif policy == 'poly':
        # mmengine's PolyLR reaches eta_min one step before its end.
        end = size - 1 + size * solver['max_iter'] + 1
        config = dict(type='PolyLR', power=solver['power'], eta_min=0, end=end)
    elif policy == 'exp':
        config = dict(type='ExponentialLR', gamma=solver['gamma'] ** (1 / size))
    elif policy == 'inv':
        config = dict(type='mmseg.CaffeInvLR', gamma=solver['gamma'] / size, power=solver['power'])
    else:
        raise InputError(
            f'The solver has lr_policy {policy!r}, but only fixed, step, multistep, poly, exp '
            'and inv have a counterpart here; use one of these.'
        )
    return [dict(begin=size - 1, by_epoch=False, **config)]
