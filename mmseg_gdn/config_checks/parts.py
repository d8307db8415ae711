"""The parts of a config: what mmengine hands to a class or a function, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import mmseg.registry
from mmengine.config import Config
from mmengine.dist import init_dist
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.registry import Registry
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, LogProcessor, Runner, TestLoop, ValLoop
from mmengine.runner._flexible_runner import FlexibleRunner
from mmengine.utils.dl_utils import set_multi_processing
from torch import distributed as dist
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.utils.data import DataLoader

from mmseg_gdn.utils.built_parts import keys_of

from .sections import Loader, Top
from .source import keys_read

# mmengine builds these without a type, and takes some keys out of them first, in its methods' variables of these names.
_BUILT_BY_RUNNER = {
    'train_dataloader': ([DataLoader], ['dataloader_cfg']),
    'val_dataloader': ([DataLoader], ['dataloader_cfg']),
    'test_dataloader': ([DataLoader], ['dataloader_cfg']),
    'train_cfg': ([EpochBasedTrainLoop, IterBasedTrainLoop], ['loop_cfg']),
    'val_cfg': ([ValLoop], []),
    'test_cfg': ([TestLoop], []),
    'log_processor': ([LogProcessor], []),
}
_LOADERS = [path for path, (readers, _) in _BUILT_BY_RUNNER.items() if DataLoader in readers]
# With FlexibleRunner, other classes read these.
_OF_PLAIN_RUNNER: dict[str, tuple[list[Any], list[str]]] = {
    'randomness': ([Runner.set_randomness], []),
    'env_cfg.mp_cfg': ([set_multi_processing], []),
    'env_cfg.dist_cfg': ([init_dist, dist.init_process_group], []),
}


@dataclass
class Part:
    """A dictionary in a config.

    Args:
        path: Where it stands, such as ``model.decode_head``; empty for the whole config.
        given: The dictionary.
        readers: Classes or functions that get its keys as arguments; several, if any of them may be the one.
        read: Further keys that are read from it.
        takes_all: Whether code that is not known here may read others.
        name: What reads it, for messages.
    """

    path: str
    given: Mapping[str, Any]
    readers: list[Any] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    takes_all: bool = True
    name: str = ''


def parts_of(cfg: Config) -> Iterator[Part]:
    """All parts of a config of which it is known what reads them.

    Args:
        cfg: The config.

    Yields:
        The whole config first, then its sections in their order.
    """
    yield Part('', cfg, [Top], set(cfg), name='mmengine')
    yield Part('', cfg, [Runner, FlexibleRunner] if 'runner_type' in cfg else [Runner], set(cfg), name='the runner')
    for path in _LOADERS:
        if (loader := _at(cfg, path)) is not None:
            yield Part(path, loader, [Loader], set(loader), name='mmengine')
    typed = [(path, given, types) for path, given in _dictionaries('', cfg) if (types := _readers(given))]
    for path, given, types in typed:
        yield Part(path, given, types, name=str(getattr(given['type'], '__name__', given['type'])))
    sections = _BUILT_BY_RUNNER if 'runner_type' in cfg else _BUILT_BY_RUNNER | _OF_PLAIN_RUNNER
    for path, (readers, variables) in sections.items():
        section = _at(cfg, path)
        if section is not None and 'type' not in section:
            yield Part(path, section, readers, keys_read([Runner], *variables), False, readers[-1].__name__)
    yield from _read_by_name(cfg, [one for _, _, types in typed for one in types])


def _read_by_name(cfg: Config, classes: list[Any]) -> Iterator[Part]:
    """Dictionaries that are not handed over as arguments: keys are looked up in them, and others are ignored."""
    if 'runner_type' not in cfg and (given := _at(cfg, 'env_cfg')) is not None:
        yield Part('env_cfg', given, read=keys_read([Runner], 'env_cfg'), takes_all=False, name='mmengine')
    if (given := _at(cfg, 'auto_scale_lr')) is not None:
        yield Part('auto_scale_lr', given, read=keys_read([Runner], 'auto_scale_lr'), takes_all=False, name='mmengine')
    if (given := _at(cfg, 'optim_wrapper.clip_grad')) is not None:
        yield Part(
            'optim_wrapper.clip_grad',
            given,
            [clip_grad_norm_, clip_grad_value_],
            keys_read([OptimWrapper], 'clip_grad'),
            False,
            'the clipping of gradients',
        )
    if (given := _at(cfg, 'optim_wrapper.paramwise_cfg')) is not None:
        constructor = cfg.optim_wrapper.get('constructor', 'DefaultOptimWrapperConstructor')
        readers = _classes(constructor)
        yield Part(
            'optim_wrapper.paramwise_cfg',
            given,
            read=keys_read(readers, 'paramwise_cfg'),
            takes_all=not readers,
            name=str(constructor),
        )
        yield from _parameter_groups(cfg, given.get('custom_keys'))
    is_foreign = _is_unknown(cfg.get('model')) or any(
        _has_foreign_parts(given) for path, given in _dictionaries('model', cfg.get('model'))
    )
    for path in ('model.train_cfg', 'model.test_cfg'):
        if (given := _at(cfg, path)) is not None:
            # Heads hand it on as cfg.
            yield Part(
                path, given, read=keys_read(classes, path.split('.')[1], 'cfg'), takes_all=is_foreign, name='the model'
            )


def _parameter_groups(cfg: Config, custom_keys: Any) -> Iterator[Part]:
    """Settings of single parameters: factors, and what the optimizer takes for all of them."""
    optimizer = _at(cfg, 'optim_wrapper.optimizer') or {}
    read = keys_read([DefaultOptimWrapperConstructor], 'custom_keys').union(
        *(keys_of(one)[0] for one in _classes(optimizer.get('type')))
    )
    for name, given in custom_keys.items() if isinstance(custom_keys, Mapping) else ():
        if isinstance(given, Mapping):
            yield Part(f'optim_wrapper.paramwise_cfg.custom_keys.{name}', given, read=read, name='the optimizer')


def _dictionaries(path: str, value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, (Mapping, Config)):
        items = list(value.items())
        if path:
            yield path, value
    elif isinstance(value, (list, tuple)):
        items = list(enumerate(value))
    else:
        return
    for key, inner in items:
        yield from _dictionaries(f'{path}.{key}' if path else str(key), inner)


def _at(cfg: Config, path: str) -> Mapping[str, Any] | None:
    value = cfg
    for key in path.split('.'):
        value = value.get(key) if isinstance(value, (Mapping, Config)) else None
    return value if isinstance(value, Mapping) else None


def _readers(given: Mapping[str, Any]) -> list[Any]:
    """What may be built of a dictionary with a type; a head that is made of another one takes the keys of both."""
    if _has_foreign_parts(given):
        return []
    return [*_classes(given.get('type')), *(_classes(given.get('base_type')) if given.get('type') else [])]


def _classes(named: Any) -> list[Any]:
    """The classes that may be meant: one name may be registered for several kinds of parts."""
    if callable(named):
        return [named]
    return _registered(named) if isinstance(named, str) and not _is_foreign(named) else []


def _has_foreign_parts(given: Mapping[str, Any]) -> bool:
    """Whether a part is made for those of other packages; what it takes itself may depend on whether they are there."""
    return any(
        isinstance(inner, Mapping) and _is_foreign(inner.get('type'))
        for value in given.values()
        for inner in (value if isinstance(value, (list, tuple)) else (value,))
    )


def _is_unknown(model: Any) -> bool:
    return isinstance(model, Mapping) and not _classes(model.get('type'))


def _is_foreign(named: Any) -> bool:
    return isinstance(named, str) and any(scope not in ('mmseg', 'mmengine') for scope in named.split('.')[:-1])


@cache
def _registered(name: str) -> list[Any]:
    found = [registry.get(name) for registry in _registries()]
    return list({id(one): one for one in found if one is not None}.values())


@cache
def _registries() -> list[Registry]:
    return [one for one in vars(mmseg.registry).values() if isinstance(one, Registry)]
