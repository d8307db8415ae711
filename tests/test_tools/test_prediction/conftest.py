"""A tiny segmentor with weights, as files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

ROOT = Path(__file__).parents[3]
TINY = dict(stem_channels=8, base_channels=4)


def write_model(folder: Path, name: str, base: str, changes: str) -> tuple[str, str]:
    """Write a config on top of one of the demo's and random weights for it; gives their paths."""
    config, checkpoint = folder / f'{name}.py', folder / f'{name}.pth'
    config.write_text(f'_base_ = {str(ROOT / "configs/gdn" / base)!r}\n{changes}\n')
    init_default_scope('mmseg')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(config).model)
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)
    _normalize_features(model)
    torch.save(dict(meta={}, state_dict=model.state_dict()), checkpoint)
    return str(config), str(checkpoint)


def _normalize_features(model: torch.nn.Module) -> None:
    """Without statistics of the features, the same class wins everywhere."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(torch.randn(4, 3, 64, 64))


@pytest.fixture(scope='session')
def voc_model(tmp_path_factory) -> tuple[str, str]:
    """Config and checkpoint with GDN and VOC's classes. It shrinks images, and takes any size."""
    return write_model(
        tmp_path_factory.mktemp('voc'),
        'voc',
        'demo_gdn.py',
        f"""
model = dict(
    type='EncoderDecoder', backbone={TINY}, decode_head=dict(in_channels=32, channels=8, size_policy='resample'),
    auxiliary_head=None)
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='LoadImageFromFile'), dict(type='Resize', scale=(64, 64), keep_ratio=True),
    dict(type='LoadAnnotations'), dict(type='PackSegInputs')]))""",
    )


@pytest.fixture(scope='session')
def streets_model(tmp_path_factory) -> tuple[str, str]:
    """Config and checkpoint with a stock head and the classes of Cityscapes, whose data set has a wrapper."""
    return write_model(
        tmp_path_factory.mktemp('streets'),
        'streets',
        'demo_bilinear.py',
        f"""
model = dict(backbone={TINY}, decode_head=dict(in_channels=32, channels=8, num_classes=19))
test_dataloader = dict(dataset=dict(
    _delete_=True, type='RepeatDataset', times=1, dataset=dict(
        type='CityscapesDataset', data_root='nowhere', pipeline=[
            dict(type='LoadImageFromFile', to_float32=True), dict(type='LoadAnnotations'),
            dict(type='PackSegInputs')])))""",
    )


@pytest.fixture(scope='session')
def binary_model(tmp_path_factory) -> tuple[str, str]:
    """Config and checkpoint with a single score for two classes."""
    return write_model(
        tmp_path_factory.mktemp('binary'),
        'binary',
        'demo_bilinear.py',
        f"""
model = dict(backbone={TINY}, decode_head=dict(
    in_channels=32, channels=8, num_classes=2, out_channels=1, threshold=0.4,
    loss_decode=dict(_delete_=True, type='CrossEntropyLoss', use_sigmoid=True)))""",
    )
