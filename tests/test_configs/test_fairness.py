"""A config of the method and its baseline differ in the method alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import ConfigDict

from .config_files import FOLDER, baselines, is_gdn, read

# What the method brings: its head, its segmentor, its losses, its matrices' own rates.
HEAD = ('type', 'base_type', 'in_size', 'out_size', 'init', 'size_policy', 'label_branch')
MODEL = ('type', 'decode_head', 'auxiliary_head', 'train_only')
NAMES_ONLY = ('custom_imports', 'load_from', 'default_hooks', 'work_dir')

PAIRS = baselines()
STAGES = sorted((FOLDER / 'small').glob('*.py'))


def ids(paths):
    return [path.stem for path in paths]


def fixed_part(cfg):
    """A config without what the method brings and without where training starts."""
    rest = {key: value for key, value in without_scopes(cfg.to_dict()).items() if key not in NAMES_ONLY}
    return rest | dict(
        model=common_model(rest['model']),
        optim_wrapper=common_rates(rest['optim_wrapper']),
        **{name: common_metrics(rest[name]) for name in ('val_evaluator', 'test_evaluator')},
    )


def without_scopes(node):
    """Nodes without mmseg's scope, which mmengine notes in what a config takes from mmseg."""
    if isinstance(node, dict):
        return {key: without_scopes(child) for key, child in node.items() if key != '_scope_'}
    return [without_scopes(child) for child in node] if isinstance(node, (list, tuple)) else node


def common_model(model):
    head = {key: value for key, value in model['decode_head'].items() if key not in HEAD}
    others = {key: value for key, value in model.items() if key not in MODEL}
    auxiliary = model.get('auxiliary_head')
    heads = [auxiliary] if isinstance(auxiliary, dict) else auxiliary or []
    return others | dict(decode_head=head, auxiliary_head=[one for one in heads if one['type'] != 'MultiLabelHead'])


def common_metrics(evaluator):
    """Metrics without that of the classification branch."""
    metrics = [evaluator] if isinstance(evaluator, dict) else evaluator or []
    return [dict(iou_metrics=['mIoU']) | metric for metric in metrics if metric['type'] != 'ImageLevelMAP']


def common_rates(wrapper):
    keys = wrapper.get('paramwise_cfg', {}).get('custom_keys', {})
    rates = dict(
        wrapper.get('paramwise_cfg', {}),
        custom_keys={key: value for key, value in keys.items() if key != 'interp.kernel'},
    )
    if not rates['custom_keys']:
        del rates['custom_keys']
    return {key: value for key, value in wrapper.items() if key != 'paramwise_cfg'} | (
        dict(paramwise_cfg=rates) if rates else {}
    )


def trains_matrices_alone(cfg):
    return cfg.model.get('train_only') == ['decode_head.interp']


def test_every_config_that_trains_matrices_has_a_baseline():
    trained = [
        path for path in sorted(FOLDER.glob('*.py')) if is_gdn(cfg := read(path)) and cfg.get('train_dataloader')
    ]
    assert set(PAIRS) == set(trained)


@pytest.mark.parametrize('path', PAIRS, ids=ids(PAIRS))
def test_data_sizes_iterations_and_rates_are_those_of_the_baseline(path):
    cfg, baseline = read(path), read(PAIRS[path])
    assert not is_gdn(baseline)
    ours, theirs = fixed_part(cfg), fixed_part(baseline)
    if trains_matrices_alone(cfg):
        # The network is the baseline as it was at its end, so the schedules may differ.
        for part in (ours, theirs):
            del part['train_cfg'], part['param_scheduler']
    assert ours == theirs


@pytest.mark.parametrize('path', PAIRS, ids=ids(PAIRS))
def test_both_start_from_the_same_weights(path):
    cfg, baseline = read(path), read(PAIRS[path])
    if trains_matrices_alone(cfg):
        assert start(cfg) == PAIRS[path].stem
    else:
        # A stage starts from the stage before, its baseline from the baseline of that one.
        counterparts = {method.stem: plain.stem for method, plain in PAIRS.items()}
        assert start(baseline) == counterparts.get(start(cfg), start(cfg))


def start(cfg: ConfigDict) -> str | None:
    return cfg.get('load_from') and Path(cfg.load_from).parent.name


@pytest.mark.parametrize('path', STAGES, ids=ids(STAGES))
def test_small_versions_differ_in_sizes_lengths_and_initial_values_alone(path):
    small, full = read(path), read(FOLDER / path.name)
    for cfg in (small, full):
        for name in ('fc_channels', 'init_cfg', 'init', 'in_size', 'out_size'):
            cfg.model.decode_head.pop(name, None)
        for name in list(cfg):
            if name.startswith('small_') or name in ('tta_pipeline', 'crop_size', 'work_dir', 'load_from'):
                cfg.pop(name)
        for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            without_sizes(cfg.get(name) or ConfigDict())
        cfg.optim_wrapper.pop('accumulative_counts', None)
        cfg.train_cfg = dict(type=cfg.train_cfg.type)
        cfg.default_hooks.logger.pop('interval')
        cfg.default_hooks.pop('check_checkpoint', None)
    assert small.to_dict() == full.to_dict()


def without_sizes(node):
    """Remove sizes of images and batches from the config of a data loader."""
    if isinstance(node, dict):
        for name in ('batch_size', 'num_workers', 'max_size', 'size'):
            node.pop(name, None)
        for child in node.values():
            without_sizes(child)
    elif isinstance(node, list):
        for child in node:
            without_sizes(child)
