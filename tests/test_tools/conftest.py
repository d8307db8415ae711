"""A small training setup for the command-line tools."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from mmseg.visualization import SegLocalVisualizer


@pytest.fixture(autouse=True)
def _own_visualizer() -> None:
    # mmengine keeps visualizers by name, and with them the folder of the first training in this process.
    SegLocalVisualizer._instance_dict.clear()


@pytest.fixture
def run_script(root_dir, tmp_path) -> Callable[..., subprocess.CompletedProcess]:
    """Run a script of the repository the way a user does; gives its outcome with standard output and error."""

    def run(script: str, *args: object) -> subprocess.CompletedProcess:
        command = [sys.executable, script, *map(str, args)]
        return subprocess.run(command, cwd=root_dir, capture_output=True, text=True, check=False, timeout=900)

    return run


@pytest.fixture
def run_test(monkeypatch, tmp_path, root_dir) -> Callable[..., str]:
    """Run ``tools/test.py`` in this process; gives what it has logged."""
    monkeypatch.syspath_prepend(root_dir / 'tools')
    main = runpy.run_path(str(root_dir / 'tools/test.py'))['main']

    def run(config, *args):
        folder = tmp_path / 'run'
        monkeypatch.setattr(sys, 'argv', ['test.py', *map(str, (config, *args)), '--work-dir', str(folder)])
        main()
        return max(folder.rglob('*.log')).read_text()

    return run


@pytest.fixture
def gdn_config(root_dir, voc_root, tmp_path) -> Path:
    """MobileNetV2 with GDN on 64 px crops of the small VOC folder, two iterations of training."""
    path = tmp_path / 'tiny_gdn.py'
    path.write_text(f"""
_base_ = {str(root_dir / 'configs/gdn/fcn_mobilenet-v2_gdn-multilabel_voc12aug.py')!r}
model = dict(
    data_preprocessor=dict(size=(64, 64)),
    backbone=dict(init_cfg=None),
    decode_head=dict(in_size=(2, 2), out_size=(64, 64)))
data_root = {str(voc_root)!r}
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
parts = [
    dict(type='CheckedVOCDataset', data_root=data_root, ann_file=f'ImageSets/Segmentation/{{ids}}.txt', pipeline=load,
         data_prefix=dict(img_path='JPEGImages', seg_map_path=masks))
    for ids, masks in (('train', 'SegmentationClass'), ('aug', 'SegmentationClassAug'))
]
train_dataloader = dict(
    batch_size=2, num_workers=0, persistent_workers=False,
    dataset=dict(dataset=dict(datasets=parts), pipeline=[
        dict(type='RandomCrop', crop_size=(64, 64)), dict(type='PackSegInputs')]))
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
tta_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='TestTimeAug', transforms=[
        [dict(type='Resize', scale_factor=factor, keep_ratio=True) for factor in (0.5, 0.75, 1.0)],
        [dict(type='RandomFlip', prob=0., direction='horizontal'),
         dict(type='RandomFlip', prob=1., direction='horizontal')],
        [dict(type='LoadAnnotations')],
        [dict(type='PackSegInputs')]])
]
val_dataloader = dict(
    num_workers=0, persistent_workers=False, dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
train_cfg = dict(max_iters=2, val_interval=2)
default_hooks = dict(checkpoint=dict(interval=2), logger=dict(interval=1))
""")
    return path


@pytest.fixture
def child(gdn_config, tmp_path):
    """A config of one's own on top of the small setup."""

    def write(text):
        path = tmp_path / f'{tmp_path.name}.py'
        path.write_text(f'_base_ = [{str(gdn_config)!r}]\n{text}')
        return path

    return write
