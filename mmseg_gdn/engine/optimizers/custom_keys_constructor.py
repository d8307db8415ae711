"""``custom_keys`` for optimizer constructors that ignore them."""

from __future__ import annotations

from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from mmseg_gdn.utils import InputError


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class CustomKeysConstructor:
    """Lets another constructor build the optimizer, then gives parameters in ``custom_keys`` groups of their own.

    mmengine's default constructor supports ``custom_keys``; mmseg's ``LearningRateDecayOptimizerConstructor``
    (ConvNeXt, BEiT, MAE) does not::

        optim_wrapper = dict(
            constructor='CustomKeysConstructor',
            paramwise_cfg=dict(
                base_constructor='LearningRateDecayOptimizerConstructor',
                custom_keys={'interp.kernel': dict(lr_mult=100, decay_mult=0)}))

    Args:
        optim_wrapper_cfg: ``optim_wrapper`` of the config.
        paramwise_cfg: ``base_constructor`` (registered name), ``custom_keys`` (for parameters whose name contains the
            key: ``lr_mult`` and ``decay_mult``, factors of the optimizer's ``lr`` and ``weight_decay``, and any other
            option of a parameter group), and the settings of the base constructor.

    Raises:
        InputError: If ``base_constructor`` or ``custom_keys`` is missing, or if a key matches no parameter.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        settings = dict(paramwise_cfg or {})
        if not {'base_constructor', 'custom_keys'} <= settings.keys():
            raise InputError(
                "CustomKeysConstructor needs paramwise_cfg=dict(base_constructor='...', "
                'custom_keys={...}) in optim_wrapper.'
            )
        self.custom_keys = settings.pop('custom_keys')
        self.base = OPTIM_WRAPPER_CONSTRUCTORS.build(
            dict(type=settings.pop('base_constructor'), optim_wrapper_cfg=optim_wrapper_cfg, paramwise_cfg=settings)
        )

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the optimizer of a model."""
        wrapper = self.base(model)
        optimizer = wrapper.optimizer
        # PyTorch requires names in all groups or in none, and mmseg's constructor sets them.
        has_names = 'param_names' in optimizer.param_groups[0]
        # The longest key takes precedence, as in mmengine: it takes its parameters last.
        for key in sorted(self.custom_keys, key=len):
            named = {name: value for name, value in model.named_parameters() if key in name and value.requires_grad}
            if not named:
                raise InputError(f'custom_keys names {key!r}, but the model trains no parameter of that name.')
            _remove(optimizer.param_groups, list(named.values()))
            group = dict(params=list(named.values()), **_options(self.custom_keys[key], optimizer.defaults))
            if has_names:
                group['param_names'] = list(named)
            optimizer.add_param_group(group)
        return wrapper


def _remove(groups: list[dict], parameters: list[nn.Parameter]) -> None:
    taken = {id(parameter) for parameter in parameters}
    for group in groups:
        kept = [index for index, parameter in enumerate(group['params']) if id(parameter) not in taken]
        for key in {'params', 'param_names'} & group.keys():
            group[key] = [group[key][index] for index in kept]
    groups[:] = [group for group in groups if group['params']]


def _options(custom: dict, defaults: dict) -> dict:
    """Options of a parameter group, with factors multiplied out."""
    options = {key: value for key, value in custom.items() if key not in ('lr_mult', 'decay_mult')}
    factors = dict(lr=custom.get('lr_mult', 1), weight_decay=custom.get('decay_mult', 1))
    return {key: factor * defaults[key] for key, factor in factors.items() if key in defaults} | options
